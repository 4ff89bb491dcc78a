import { eq } from "drizzle-orm";
import { orm, type Queryable } from "./database.ts";
import type { ImportRow } from "./queries/read-imports.ts";
import { contactImport } from "./schema/imports.ts";

/** An import that is this process's for as long as it keeps the lease up. */
export interface TakenImport extends ImportRow {
  readonly leaseUntil: Date;
}

/**
 * A batch takes a fraction of a second. This is for a database that is busy, and as long as the import of a dead worker
 * stands still.
 */
export const importLeaseSeconds = 15;

/**
 * waiting → running, or takes over a running one that nobody is at: the oldest, or the one with this id. Undefined if there
 * is none. Of several that ask at once each gets another.
 */
export async function takeImport(
  db: Queryable,
  { now, importId = null }: { readonly now: Date; readonly importId?: string | null },
): Promise<TakenImport | undefined> {
  const { rows } = await db.query<{ id: string; lease_until: Date }>({
    name: "take-import",
    text: `
      update contact_import
      set status = 'running', lease_until = clock_timestamp() + make_interval(secs => $1),
          started_at = coalesce(started_at, $2), updated_at = $2
      where id = (
        select id from contact_import
        where status in ('waiting', 'running') and (lease_until is null or lease_until < clock_timestamp())
          and ($3::uuid is null or id = $3)
        order by created_at limit 1 for no key update skip locked)
      returning id, lease_until`,
    values: [importLeaseSeconds, now, importId],
  });
  const [taken] = rows;
  if (taken === undefined) return undefined;
  const [row] = await orm(db).select().from(contactImport).where(eq(contactImport.id, taken.id));
  // Its own lease, even if somebody else has taken it over between the two: then every write of this one fails.
  return row && { ...row, leaseUntil: taken.lease_until };
}

/** Keeps it for another while. Undefined if it is not this process's any more: cancelled, or taken over. */
export async function renewImportLease(db: Queryable, taken: TakenImport): Promise<TakenImport | undefined> {
  const { rows } = await db.query<{ lease_until: Date }>({
    name: "renew-import-lease",
    text: `update contact_import set lease_until = clock_timestamp() + make_interval(secs => $3)
           where id = $1 and status = 'running' and lease_until = $2 returning lease_until`,
    values: [taken.id, taken.leaseUntil, importLeaseSeconds],
  });
  return rows[0] && { ...taken, leaseUntil: rows[0].lease_until };
}

/** Lets another process go on with it at once. */
export async function giveImportBack(db: Queryable, taken: TakenImport): Promise<void> {
  await db.query({
    name: "give-import-back",
    text: "update contact_import set lease_until = null where id = $1 and status = 'running' and lease_until = $2",
    values: [taken.id, taken.leaseUntil],
  });
}
