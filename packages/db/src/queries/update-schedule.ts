import type { Schedule } from "@dripline/domain/schedule";
import { eq } from "drizzle-orm";
import { orm, type Queryable } from "../database.ts";
import { schedule } from "../schema/content.ts";
import { findScheduleNamed } from "./insert-schedule.ts";

/** Takes a schedule for a change: who changes it at the same time waits for the end of this transaction. Sends go on. */
export async function lockSchedule(tx: Queryable, id: string): Promise<"locked" | "unknown"> {
  const { rowCount } = await tx.query("select from schedule where id = $1 for no key update", [id]);
  return rowCount === 1 ? "locked" : "unknown";
}

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
  await tx.query("savepoint update_schedule");
  try {
    await orm(tx)
      .update(schedule)
      .set({ ...rules, name, updatedAt: now })
      .where(eq(schedule.id, id));
    await tx.query("release savepoint update_schedule");
    return { kind: "updated" };
  } catch (error) {
    if (!isNameTaken(error)) throw error;
    await tx.query("rollback to savepoint update_schedule");
    return { kind: "name_taken", existingId: await findScheduleNamed(tx, name) };
  }
}

/** Asked of the index, since looking first would not see a name that somebody else is writing. */
function isNameTaken(error: unknown): boolean {
  const { code, constraint } = ((error as Error).cause ?? error) as { code?: unknown; constraint?: unknown };
  return code === "23505" && constraint === "schedule_name_key";
}
