import { and, eq, sql } from "drizzle-orm";
import { orm, type Queryable } from "../database.ts";
import { suppression } from "../schema/people.ts";
import { contains } from "./contains.ts";
import { type InstantRange, inRange } from "./in-range.ts";
import { type Page, type PageRequest, readPage } from "./keyset.ts";

export interface SuppressionFilters extends InstantRange<"created_at"> {
  readonly reason?: SuppressionRow["reason"] | undefined;
  readonly email?: string | undefined;
  readonly search?: string | undefined;
}

const fields = {
  id: suppression.id,
  email: suppression.email,
  reason: suppression.reason,
  note: suppression.note,
  revision: suppression.revision,
  created_at: suppression.createdAt,
};

export type SuppressionRow = Pick<typeof suppression.$inferSelect, "id" | "email" | "reason" | "note" | "revision"> & {
  readonly created_at: Date;
};

/** One page of the suppressed addresses that match. */
export function listSuppressions(
  db: Queryable,
  filters: SuppressionFilters,
  request: PageRequest,
): Promise<Page<SuppressionRow>> {
  return readPage<SuppressionRow, string>(request, {
    id: suppression.id,
    // Not by id as elsewhere: those of hard bounces are made by the statement that fails the email, in no order.
    keys: { created_at: { expression: suppression.createdAt, type: "timestamptz" } },
    where: and(
      filters.reason === undefined ? undefined : eq(suppression.reason, filters.reason),
      filters.email === undefined ? undefined : sql`lower(${suppression.email}) = lower(${filters.email})`,
      inRange(suppression.createdAt, "created_at", filters),
      contains(filters.search, suppression.email, suppression.note),
    ),
    select: ({ where, orderBy, limit, sortValue }) =>
      orm(db)
        .select({ ...fields, sort_value: sortValue })
        .from(suppression)
        .where(where)
        .orderBy(...orderBy)
        .limit(limit),
    count: (where) => orm(db).$count(suppression, where),
  });
}

/** The suppression with this id, if there is one. */
export async function findSuppression(db: Queryable, id: string): Promise<SuppressionRow | undefined> {
  const rows = await orm(db).select(fields).from(suppression).where(eq(suppression.id, id));
  return rows[0];
}
