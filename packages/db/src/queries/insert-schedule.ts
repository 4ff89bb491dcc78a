import { BUSINESS_HOURS, type Schedule } from "@dripline/domain/schedule";
import { sql } from "drizzle-orm";
import { orm, type Queryable } from "../database.ts";
import { newId } from "../new-id.ts";
import { schedule } from "../schema/content.ts";
import type { InsertedByName } from "./insert-email-template.ts";
import { findDefaultScheduleId } from "./read-schedules.ts";

/** Writes a schedule whose rules `Schedule` of packages/domain has checked. */
export async function insertSchedule(
  db: Queryable,
  { name, rules, isDefault = false }: { name: string; rules: Schedule; isDefault?: boolean },
): Promise<InsertedByName> {
  const id = newId();
  const inserted = await orm(db)
    .insert(schedule)
    .values({ id, name, isDefault, ...rules })
    .onConflictDoNothing()
    .returning({ id: schedule.id });
  if (inserted.length === 1) return { kind: "inserted", id };
  const rows = await orm(db)
    .select({ id: schedule.id })
    .from(schedule)
    .where(sql`lower(${schedule.name}) = lower(${name})`);
  return { kind: "name_taken", existingId: rows[0]?.id ?? "" };
}

/** The id of the default schedule; business hours, Monday to Friday 09:00–17:00 in Bangkok, if nobody made another. */
export async function ensureDefaultSchedule(db: Queryable): Promise<string> {
  const existing = await findDefaultScheduleId(db);
  if (existing !== undefined) return existing;
  const name = "Default: Monday to Friday, 09:00 to 17:00, Asia/Bangkok";
  await insertSchedule(db, { name, rules: BUSINESS_HOURS, isDefault: true });
  const id = await findDefaultScheduleId(db); // ours, or that of somebody who was quicker
  if (id === undefined)
    throw new Error(`No schedule is the default, and one named "${name}" keeps it from being made.`);
  return id;
}
