import { createHash, randomBytes, randomInt, timingSafeEqual } from "node:crypto";
import { crc32 } from "node:zlib";
import type { Queryable } from "./database.ts";
import { newId } from "./new-id.ts";

// 160 bits: nobody guesses that, so a fast hash without salt is enough to store it.
const secretBytes = 20;
const idLetters = 8;

type UserRole = "admin" | "editor" | "viewer";

export type ApiKeyScope = "read" | "enroll" | "write" | "admin";

export interface NewApiKey {
  readonly name: string;
  readonly now: Date;
  readonly scopes: readonly ApiKeyScope[];
  /** On whose behalf the key acts. */
  readonly userId?: string | null;
  readonly expiresAt?: Date | null;
  readonly requestsPerMinuteMax?: number | null;
}

export interface ApiKeyHolder {
  readonly id: string;
  readonly name: string;
  /** The part of the key that may be shown: `dk_abcdefgh`. */
  readonly prefix: string;
  readonly scopes: readonly ApiKeyScope[];
  readonly expiresAt: Date | null;
  readonly requestsPerMinuteMax: number | null;
  readonly lastUsedAt: Date | null;
  readonly user: { readonly id: string; readonly email: string; readonly name: string; readonly role: UserRole } | null;
}

/**
 * Makes a key, `dk_<8 letters>_<40 hexadecimal digits of secret><8 of checksum>`. The answer is the only time it can be
 * seen: only its SHA-256 is stored.
 */
export async function createApiKey(db: Queryable, key: NewApiKey): Promise<{ id: string; key: string }> {
  const prefix = `dk_${Array.from({ length: idLetters }, () => String.fromCharCode(97 + randomInt(26))).join("")}`;
  const secret = `${prefix}_${randomBytes(secretBytes).toString("hex")}`;
  const whole = `${secret}${checksum(secret)}`;
  const id = newId();
  await db.query(
    `insert into api_key (id, name, prefix, key_hash, user_id, scopes, requests_per_minute_max, created_at, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      id,
      key.name,
      prefix,
      hashOf(whole).toString("hex"),
      key.userId ?? null,
      key.scopes,
      key.requestsPerMinuteMax ?? null,
      key.now,
      key.expiresAt ?? null,
    ],
  );
  return { id, key: whole };
}

const shape = /^(dk_[A-Za-z0-9]{1,32})_([A-Za-z0-9]{16,128})$/;

/** Keys of before checksums are 40 digits long, and have none. */
const secretDigits = secretBytes * 2;

/**
 * The part of a key that names it; undefined if this is not a key: another shape, or a checksum that says that it was
 * mistyped or cut off. Says nothing about whether it is valid.
 */
export function prefixOfKey(key: string): string | undefined {
  const [, prefix, rest] = shape.exec(key) ?? [];
  if (prefix === undefined || rest === undefined) return undefined;
  if (rest.length <= secretDigits) return prefix;
  return checksum(key.slice(0, -checksumDigits)) === key.slice(-checksumDigits) ? prefix : undefined;
}

/** Who holds this key; undefined if it is unknown, revoked, has expired by `now`, or its user is deactivated. */
export async function findApiKey(db: Queryable, key: string, now: Date): Promise<ApiKeyHolder | undefined> {
  const prefix = prefixOfKey(key);
  if (prefix === undefined) return undefined;
  const { rows } = await db.query<{
    id: string;
    name: string;
    key_hash: string;
    scopes: ApiKeyScope[];
    expires_at: Date | null;
    requests_per_minute_max: number | null;
    last_used_at: Date | null;
    user: ApiKeyHolder["user"];
  }>({
    name: "find-api-key",
    text: `
      select k.id, k.name, k.key_hash, k.scopes, k.expires_at, k.requests_per_minute_max, k.last_used_at,
             case when u.id is not null
               then json_build_object('id', u.id, 'email', u.email, 'name', u.name, 'role', u.role) end as "user"
      from api_key k left join "user" u on u.id = k.user_id
      where k.prefix = $1 and k.revoked_at is null and (k.expires_at is null or k.expires_at > $2)
        and u.deactivated_at is null`,
    values: [prefix, now],
  });
  const row = rows[0];
  // In constant time: how long the comparison takes says nothing about how much of a guess was right.
  if (row === undefined || !timingSafeEqual(Buffer.from(row.key_hash, "hex"), hashOf(key))) return undefined;
  return {
    id: row.id,
    name: row.name,
    prefix,
    scopes: row.scopes,
    expiresAt: row.expires_at,
    requestsPerMinuteMax: row.requests_per_minute_max,
    lastUsedAt: row.last_used_at,
    user: row.user,
  };
}

const usedEveryMilliseconds = 60_000;

/** Notes that a key was used, at most once a minute: a key that is busy must not cost a write for each request. */
export async function noteApiKeyUse(
  db: Queryable,
  { id, lastUsedAt }: Pick<ApiKeyHolder, "id" | "lastUsedAt">,
  now: Date,
): Promise<void> {
  const aMinuteAgo = new Date(now.getTime() - usedEveryMilliseconds);
  if (lastUsedAt !== null && lastUsedAt > aMinuteAgo) return;
  await db.query({
    name: "note-api-key-use",
    // Of many requests in the same moment one writes.
    text: "update api_key set last_used_at = $2 where id = $1 and (last_used_at is null or last_used_at <= $3)",
    values: [id, now, aMinuteAgo],
  });
}

function hashOf(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}

const checksumDigits = 8;

/** CRC-32 in hexadecimal: tells a mistyped key from a wrong one, and a scanner of leaked secrets that this is a key. */
function checksum(text: string): string {
  return crc32(text).toString(16).padStart(checksumDigits, "0");
}
