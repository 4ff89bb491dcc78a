import type { Queryable } from "./database.ts";

/** Deletes at most `limit` stored answers that are more than `keepDays` days old, the oldest first. Answers how many. */
export async function pruneIdempotencyKeys(
  db: Queryable,
  { keepDays, limit }: { readonly keepDays: number; readonly limit: number },
): Promise<number> {
  const { rowCount } = await db.query({
    name: "prune-idempotency-keys",
    text: `delete from idempotency_key where ctid = any(array(
             select ctid from idempotency_key
             -- now(), which stands still for a statement: for the other clock the index would be read from end to end.
             where created_at < now() - make_interval(days => $1::int)
             order by created_at limit $2::int for update skip locked))`,
    values: [keepDays, limit],
  });
  return rowCount ?? 0;
}
