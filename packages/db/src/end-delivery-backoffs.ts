import type { Queryable } from "./database.ts";

/** Lets emails of these scopes leave as usual again, all scopes if none is named. Answers those that were slowed down. */
export async function endDeliveryBackoffs(db: Queryable, scopes: readonly string[] | "all"): Promise<string[]> {
  const { rows } = await db.query<{ scope: string }>({
    name: "end-delivery-backoffs",
    text: "delete from delivery_backoff where $1::text[] is null or scope = any($1) returning scope",
    values: [scopes === "all" ? null : scopes],
  });
  return rows.map((row) => row.scope).toSorted();
}
