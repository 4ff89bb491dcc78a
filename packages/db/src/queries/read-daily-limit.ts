import type { Queryable } from "../database.ts";

/** How many emails a day a sequence may send; null for no limit, or if there is no such sequence. */
export async function readDailyLimit(db: Queryable, sequenceId: string): Promise<number | null> {
  const { rows } = await db.query<{ max: number | null }>(
    "select sends_per_day_max as max from email_sequence where id = $1",
    [sequenceId],
  );
  return rows[0]?.max ?? null;
}
