import { and, eq, isNotNull, isNull, sql } from "drizzle-orm";
import { orm, type Queryable } from "../database.ts";
import { user } from "../schema/people.ts";
import { contains } from "./contains.ts";
import { type Page, type PageRequest, readPage } from "./keyset.ts";

export interface UserFilters {
  readonly role?: (typeof user.role.enumValues)[number] | undefined;
  readonly is_active?: boolean | undefined;
  readonly search?: string | undefined;
}

const fields = {
  id: user.id,
  email: user.email,
  name: user.name,
  role: user.role,
  is_active: sql<boolean>`${user.deactivatedAt} is null`,
  revision: user.revision,
  created_at: user.createdAt,
  updated_at: user.updatedAt,
};

export type UserRow = Awaited<ReturnType<typeof findUsers>>[number];

/** One page of the users that match. */
export function listUsers(db: Queryable, filters: UserFilters, request: PageRequest): Promise<Page<UserRow>> {
  return readPage<UserRow, string>(request, {
    id: user.id,
    keys: {
      created_at: { expression: user.id, type: "uuid" }, // UUIDv7: ids are in the order of creation
      email: { expression: sql`lower(${user.email})`, type: "text" },
    },
    where: and(
      filters.role === undefined ? undefined : eq(user.role, filters.role),
      filters.is_active === undefined
        ? undefined
        : filters.is_active
          ? isNull(user.deactivatedAt)
          : isNotNull(user.deactivatedAt),
      contains(filters.search, user.email, user.name),
    ),
    select: ({ where, orderBy, limit, sortValue }) =>
      orm(db)
        .select({ ...fields, sort_value: sortValue })
        .from(user)
        .where(where)
        .orderBy(...orderBy)
        .limit(limit),
    count: (where) => orm(db).$count(user, where),
  });
}

/** The user with this id, if there is one. */
export async function findUser(db: Queryable, id: string): Promise<UserRow | undefined> {
  return (await findUsers(db, id))[0];
}

function findUsers(db: Queryable, id: string) {
  return orm(db).select(fields).from(user).where(eq(user.id, id));
}

/** The id of the user with this address, in capitals or not. */
export async function findUserIdByEmail(db: Queryable, email: string): Promise<string | undefined> {
  const rows = await orm(db).select({ id: user.id }).from(user).where(sql`lower(${user.email}) = lower(${email})`);
  return rows[0]?.id;
}
