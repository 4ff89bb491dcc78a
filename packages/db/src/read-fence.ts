import { type Adoption, type Fence, judgeFence, publicOriginOf } from "@dripline/domain/fence";
import type { Queryable } from "./database.ts";

/** Whether the row `a` of adoption was written in this database, and is where it was written. */
const isHere = `
  a.table_oid = a.tableoid and a.row_xid = a.xmin
  and a.database_oid = (select d.oid from pg_database d where d.datname = current_database())`;

/**
 * A condition for statements that let email out: this database was adopted where it is. Asked in the statement itself,
 * because a connection may have been opened to another database since anybody looked.
 */
export const isAdoptedHere = `coalesce((select bool_and(${isHere}) from adoption a), false)`;

/**
 * Whether email may leave from this database, for a process with this PUBLIC_URL; undefined where the process does not
 * know it: then only the database is judged.
 */
export async function readFence(db: Queryable, publicUrl: string | undefined): Promise<Fence> {
  return judgeFence(await readAdoptions(db), publicUrl);
}

async function readAdoptions(db: Queryable): Promise<Adoption[]> {
  const { rows } = await db.query<{
    adopted_at: Date;
    adopted_by: string;
    database_name: string;
    public_origin: string | null;
    is_here: boolean;
  }>(
    `select a.adopted_at, a.adopted_by, a.database_name, a.public_origin, ${isHere} as is_here
     from adoption a order by a.adopted_at, a.id`,
  );
  return rows.map((row) => ({
    adoptedAt: row.adopted_at,
    adoptedBy: row.adopted_by,
    databaseName: row.database_name,
    publicOrigin: row.public_origin,
    isHere: row.is_here,
  }));
}

/**
 * Writes the address of the first worker that has a public one beside the adoption: from then on a process with another
 * one is fenced. Changes nothing if there is an address already, or the fence is closed.
 */
export async function notePublicOrigin(db: Queryable, publicUrl: string): Promise<void> {
  const origin = publicOriginOf(publicUrl);
  if (origin === null) return;
  await db.query(
    `update adoption a set public_origin = $1, row_xid = pg_current_xact_id()::xid
     where a.public_origin is null and ${isHere}`,
    [origin],
  );
}
