import type { Queryable } from "./database.ts";

/** Revokes keys, for good; the next request with one is refused. Answers those that were not revoked yet. */
export async function revokeApiKeys(db: Queryable, ids: readonly string[], now: Date): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>({
    name: "revoke-api-keys",
    text: "update api_key set revoked_at = $2 where id = any($1::uuid[]) and revoked_at is null returning id",
    values: [ids, now],
  });
  return rows.map(({ id }) => id);
}

/** Lets keys end at `at`, or when they would have ended before that. Answers those that are not revoked. */
export async function expireApiKeys(db: Queryable, ids: readonly string[], at: Date): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>({
    name: "expire-api-keys",
    text: `update api_key set expires_at = least(expires_at, $2)
           where id = any($1::uuid[]) and revoked_at is null returning id`,
    values: [ids, at],
  });
  return rows.map(({ id }) => id);
}
