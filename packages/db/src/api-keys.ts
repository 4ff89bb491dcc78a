import { createHash, randomBytes, randomInt } from "node:crypto";
import type { Queryable } from "./database.ts";
import { newId } from "./new-id.ts";

// 160 bits: nobody guesses that, so a fast hash without salt is enough to store it.
const secretBytes = 20;
const idLetters = 8;

export interface NewApiKey {
  readonly name: string;
  readonly now: Date;
  /** On whose behalf the key acts. */
  readonly userId?: string;
  readonly expiresAt?: Date;
}

export interface ApiKeyHolder {
  readonly id: string;
  readonly name: string;
  /** The part of the key that may be shown: `dk_abcdefgh`. */
  readonly prefix: string;
  readonly user: { readonly id: string; readonly name: string } | null;
}

/** Makes a key, `dk_<id part>_<secret>`. The answer is the only time it can be seen: only its SHA-256 is stored. */
export async function createApiKey(db: Queryable, key: NewApiKey): Promise<{ id: string; key: string }> {
  const prefix = `dk_${Array.from({ length: idLetters }, () => String.fromCharCode(97 + randomInt(26))).join("")}`;
  const secret = `${prefix}_${randomBytes(secretBytes).toString("hex")}`;
  const id = newId();
  await db.query(
    `insert into api_key (id, name, prefix, key_hash, user_id, created_at, expires_at) values ($1, $2, $3, $4, $5, $6, $7)`,
    [id, key.name, prefix, hashOf(secret), key.userId ?? null, key.now, key.expiresAt ?? null],
  );
  return { id, key: secret };
}

/** Who holds this key; undefined if it is unknown, revoked, or has expired by `now`. */
export async function findApiKey(db: Queryable, key: string, now: Date): Promise<ApiKeyHolder | undefined> {
  const { rows } = await db.query<{
    id: string;
    name: string;
    prefix: string;
    user_id: string | null;
    user_name: string | null;
  }>({
    name: "find-api-key",
    text: `
      select k.id, k.name, k.prefix, u.id as user_id, u.name as user_name
      from api_key k left join "user" u on u.id = k.user_id
      where k.key_hash = $1 and k.revoked_at is null and (k.expires_at is null or k.expires_at > $2)`,
    values: [hashOf(key), now],
  });
  const row = rows[0];
  if (row === undefined) return undefined;
  const user = row.user_id === null ? null : { id: row.user_id, name: row.user_name ?? "" };
  return { id: row.id, name: row.name, prefix: row.prefix, user };
}

function hashOf(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}
