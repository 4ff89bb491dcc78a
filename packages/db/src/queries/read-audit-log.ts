import { and, eq, sql } from "drizzle-orm";
import { orm, type Queryable } from "../database.ts";
import { auditLog } from "../schema/records.ts";
import { type InstantRange, inRange } from "./in-range.ts";
import { type Page, type PageRequest, readPage } from "./keyset.ts";

export interface AuditLogFilters extends InstantRange<"at"> {
  readonly principal?: string | undefined;
  readonly action?: string | undefined;
  readonly object_type?: string | undefined;
  readonly object_id?: string | undefined;
}

const fields = {
  id: auditLog.id,
  at: auditLog.at,
  principal: auditLog.principal,
  // By the key's id, so that it is one look-up for each row of a page.
  principal_name: sql<string | null>`(
    select k.name from api_key k
    where k.id = case when audit_log.principal like 'api_key:%' then substring(audit_log.principal from 9)::uuid end)`,
  action: auditLog.action,
  object_type: auditLog.objectType,
  object_id: auditLog.objectId,
  request_id: auditLog.requestId,
  data: auditLog.data,
};

export type AuditLogRow = NonNullable<Awaited<ReturnType<typeof findAuditEntry>>>;

/** One page of the entries that match. */
export function listAuditEntries(
  db: Queryable,
  filters: AuditLogFilters,
  request: PageRequest,
): Promise<Page<AuditLogRow>> {
  return readPage<AuditLogRow, string>(request, {
    id: auditLog.id,
    keys: { at: { expression: auditLog.at, type: "timestamptz" } },
    where: and(
      filters.principal === undefined ? undefined : eq(auditLog.principal, filters.principal),
      filters.action === undefined ? undefined : eq(auditLog.action, filters.action),
      filters.object_type === undefined ? undefined : eq(auditLog.objectType, filters.object_type),
      filters.object_id === undefined ? undefined : eq(auditLog.objectId, filters.object_id),
      inRange(auditLog.at, "at", filters),
    ),
    select: ({ where, orderBy, limit, sortValue }) =>
      orm(db)
        .select({ ...fields, sort_value: sortValue })
        .from(auditLog)
        .where(where)
        .orderBy(...orderBy)
        .limit(limit),
    count: (where) => orm(db).$count(auditLog, where),
  });
}

/** The entry with this id, if there is one. */
export async function findAuditEntry(db: Queryable, id: string) {
  const rows = await orm(db).select(fields).from(auditLog).where(eq(auditLog.id, id));
  return rows[0];
}
