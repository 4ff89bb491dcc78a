import type { Schedule } from "@dripline/domain/schedule";
import { eq, sql } from "drizzle-orm";
import { orm, type Queryable } from "../database.ts";
import { schedule } from "../schema/content.ts";
import { findScheduleNamed } from "./insert-schedule.ts";
import { tryWrite } from "./try-write.ts";

export type UpdatedByName = { readonly kind: "updated" } | { readonly kind: "name_taken"; readonly existingId: string };

/**
 * Puts another name and other rules, which `Schedule` of packages/domain has checked, in the place of a schedule's own.
 * Live at once: who decides about a send reads them anew. Call it in a transaction, which goes on also if the name is taken.
 */
export async function updateSchedule(
  tx: Queryable,
  id: string,
  { name, rules, now }: { readonly name: string; readonly rules: Schedule; readonly now: Date },
): Promise<UpdatedByName> {
  const refusal = await tryWrite(tx, () =>
    orm(tx)
      .update(schedule)
      .set({ ...rules, name, revision: sql`${schedule.revision} + 1`, updatedAt: now })
      .where(eq(schedule.id, id)),
  );
  if (refusal === undefined) return { kind: "updated" };
  if (refusal.constraint !== "schedule_name_key")
    throw new Error(`a schedule cannot be written: ${refusal.constraint}`);
  return { kind: "name_taken", existingId: await findScheduleNamed(tx, name) };
}
