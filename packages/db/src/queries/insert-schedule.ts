import type { Schedule } from "@dripline/domain/schedule";
import { sql } from "drizzle-orm";
import { orm, type Queryable } from "../database.ts";
import { newId } from "../new-id.ts";
import { schedule } from "../schema/content.ts";
import type { InsertedByName } from "./insert-email-template.ts";

/** Writes a schedule whose rules `Schedule` of packages/domain has checked. */
export async function insertSchedule(
  db: Queryable,
  { name, rules, isDefault = false }: { name: string; rules: Schedule; isDefault?: boolean },
): Promise<InsertedByName> {
  const id = newId();
  const inserted = await orm(db)
    .insert(schedule)
    .values({ ...rules, id, name, isDefault })
    .onConflictDoNothing()
    .returning({ id: schedule.id });
  if (inserted.length === 1) return { kind: "inserted", id };
  return { kind: "name_taken", existingId: await findScheduleNamed(db, name) };
}

/** The id of the schedule with this name, in capitals or not; empty if it has just gone. */
export async function findScheduleNamed(db: Queryable, name: string): Promise<string> {
  const rows = await orm(db)
    .select({ id: schedule.id })
    .from(schedule)
    .where(sql`lower(${schedule.name}) = lower(${name})`);
  return rows[0]?.id ?? "";
}
