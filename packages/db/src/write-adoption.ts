import type { Queryable } from "./database.ts";
import { newId } from "./new-id.ts";

/** Any number that nobody else in this database uses for an advisory lock: "adop" in ASCII. */
const adoptionLock = 0x61646f70;

/** Lets one at a time adopt: held until the end of the transaction. */
export async function lockAdoption(tx: Queryable): Promise<void> {
  await tx.query("select pg_advisory_xact_lock($1)", [adoptionLock]);
}

/**
 * Says that this database is the one that sends. Not within a savepoint: the row's transaction would be another one.
 * `publicOrigin` null: whichever the first worker brings.
 */
export async function writeAdoption(
  db: Queryable,
  { publicOrigin, now, by }: { readonly publicOrigin: string | null; readonly now: Date; readonly by: string },
): Promise<void> {
  await db.query(
    `with gone as (delete from adoption)
     insert into adoption (id, database_oid, table_oid, row_xid, database_name, public_origin, adopted_at, adopted_by)
     select $1, d.oid, 'adoption'::regclass::oid, pg_current_xact_id()::xid, d.datname, $2, $3, $4
     from pg_database d where d.datname = current_database()`,
    [newId(), publicOrigin, now, by],
  );
}

/** Closes the fence: nothing is sent from here until somebody adopts it again. Answers whether there was anything to close. */
export async function deleteAdoption(db: Queryable): Promise<boolean> {
  const { rowCount } = await db.query("delete from adoption");
  return (rowCount ?? 0) > 0;
}
