import { and, eq, not, type SQL, sql } from "drizzle-orm";
import { orm, type Queryable } from "../database.ts";
import { apiKey, user } from "../schema/people.ts";
import { contains } from "./contains.ts";
import { type Page, type PageRequest, readPage } from "./keyset.ts";

export interface ApiKeyFilters {
  readonly user?: string | undefined;
  readonly is_active?: boolean | undefined;
  readonly search?: string | undefined;
}

/** The same as `findApiKey` asks of a key that somebody comes with. */
const opens = (now: Date) => sql<boolean>`(${apiKey.revokedAt} is null
  and (${apiKey.expiresAt} is null or ${apiKey.expiresAt} > ${now.toISOString()}::timestamptz)
  and ${user.deactivatedAt} is null)`;

const fieldsAt = (now: Date) => ({
  id: apiKey.id,
  name: apiKey.name,
  prefix: apiKey.prefix,
  scopes: apiKey.scopes,
  user: apiKey.userId,
  user_name: user.name,
  requests_per_minute: apiKey.requestsPerMinuteMax,
  is_active: opens(now),
  created_at: apiKey.createdAt,
  expires_at: apiKey.expiresAt,
  revoked_at: apiKey.revokedAt,
  last_used_at: apiKey.lastUsedAt,
  revision: apiKey.revision,
});

export type ApiKeyRow = Awaited<ReturnType<typeof findApiKeys>>[number];

/** One page of the keys that match, as they are at `now`. */
export function listApiKeys(
  db: Queryable,
  filters: ApiKeyFilters,
  request: PageRequest,
  now: Date,
): Promise<Page<ApiKeyRow>> {
  return readPage<ApiKeyRow, string>(request, {
    id: apiKey.id,
    keys: {
      created_at: { expression: apiKey.id, type: "uuid" }, // UUIDv7: ids are in the order of creation
      name: { expression: sql`lower(${apiKey.name})`, type: "text" },
    },
    where: and(
      filters.user === undefined ? undefined : eq(apiKey.userId, filters.user),
      filters.is_active === undefined ? undefined : filters.is_active ? opens(now) : not(opens(now)),
      contains(filters.search, apiKey.name, apiKey.prefix),
    ),
    select: ({ where, orderBy, limit, sortValue }) =>
      orm(db)
        .select({ ...fieldsAt(now), sort_value: sortValue })
        .from(apiKey)
        .leftJoin(user, eq(user.id, apiKey.userId))
        .where(where)
        .orderBy(...orderBy)
        .limit(limit),
    count: async (where) => {
      const [row] = await orm(db)
        .select({ count: sql<number>`count(*)::int` })
        .from(apiKey)
        .leftJoin(user, eq(user.id, apiKey.userId))
        .where(where);
      return row?.count ?? 0;
    },
  });
}

/** The key with this id as it is at `now`, if there is one. */
export async function findApiKeyById(db: Queryable, id: string, now: Date): Promise<ApiKeyRow | undefined> {
  return (await findApiKeys(db, eq(apiKey.id, id), now))[0];
}

/** The key with this prefix as it is at `now`, if there is one. */
export async function findApiKeyByPrefix(db: Queryable, prefix: string, now: Date): Promise<ApiKeyRow | undefined> {
  return (await findApiKeys(db, eq(apiKey.prefix, prefix), now))[0];
}

function findApiKeys(db: Queryable, where: SQL, now: Date) {
  return orm(db).select(fieldsAt(now)).from(apiKey).leftJoin(user, eq(user.id, apiKey.userId)).where(where);
}
