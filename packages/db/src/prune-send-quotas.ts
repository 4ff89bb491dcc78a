import type { Queryable } from "./database.ts";

/** Deletes counts of dates that are more than `keepDays` days over everywhere. Answers how many. */
export async function pruneSendQuotas(db: Queryable, keepDays: number): Promise<number> {
  const { rowCount } = await db.query({
    name: "prune-send-quotas",
    text: "delete from send_quota where day < (clock_timestamp() at time zone 'UTC')::date - $1::int",
    values: [keepDays],
  });
  return rowCount ?? 0;
}
