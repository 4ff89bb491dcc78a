import type { Queryable } from "./database.ts";
import type { ImportLayout } from "./schema/imports.ts";
import { importLeaseSeconds, type TakenImport } from "./take-import.ts";

/** What some rows came to. */
export interface BatchCounts {
  readonly rows: number;
  readonly created: number;
  readonly updated: number;
  readonly skipped: number;
  readonly failed: number;
  readonly enrolled: number;
  readonly refused: number;
}

export interface ImportFailure {
  readonly rowNumber: number;
  readonly code: string;
  readonly message: string;
  readonly fields: readonly string[];
}

/**
 * Holds the import until the transaction ends, if it is still this process's, and its next row is the one that this process
 * thinks it is: whatever is written in this transaction is written once.
 */
export async function lockImport(tx: Queryable, taken: TakenImport): Promise<boolean> {
  const { rowCount } = await tx.query({
    name: "lock-import",
    text: `select from contact_import
           where id = $1 and status = 'running' and lease_until = $2 and rows_done = $3 for no key update`,
    values: [taken.id, taken.leaseUntil, taken.rowsDone],
  });
  return rowCount === 1;
}

/** Counts rows as done, lists what failed of them, and keeps the import for another while; after `lockImport`. */
export async function recordImportBatch(
  tx: Queryable,
  taken: TakenImport,
  counts: BatchCounts,
  failures: readonly ImportFailure[],
  now: Date,
): Promise<TakenImport> {
  const { rows } = await tx.query<{ lease_until: Date; rows_done: number }>({
    name: "record-import-batch",
    text: `
      with listed as (
        insert into contact_import_failure (import_id, row_number, code, message, fields)
        select $1, f."rowNumber", f.code, f.message, f.fields
        from jsonb_to_recordset($2) as f("rowNumber" int, code text, message text, fields jsonb)
      )
      update contact_import
      set rows_done = rows_done + $3, created = created + $4, updated = updated + $5, skipped = skipped + $6,
          failed = failed + $7, enrolled = enrolled + $8, refused = refused + $9,
          lease_until = clock_timestamp() + make_interval(secs => $10), updated_at = $11
      where id = $1
      returning lease_until, rows_done`,
    values: [
      taken.id,
      JSON.stringify(failures),
      counts.rows,
      counts.created,
      counts.updated,
      counts.skipped,
      counts.failed,
      counts.enrolled,
      counts.refused,
      importLeaseSeconds,
      now,
    ],
  });
  const [row] = rows;
  if (row === undefined) throw new Error("an import that is locked is gone");
  return { ...taken, leaseUntil: row.lease_until, rowsDone: row.rows_done };
}

/** Keeps what the first reading of the file found. Undefined if it is not this process's any more. */
export async function recordImportLayout(
  db: Queryable,
  taken: TakenImport,
  { layout, rowsTotal }: { readonly layout: ImportLayout; readonly rowsTotal: number },
): Promise<TakenImport | undefined> {
  const { rows } = await db.query<{ lease_until: Date }>({
    name: "record-import-layout",
    text: `update contact_import
           set layout = $3, rows_total = $4, lease_until = clock_timestamp() + make_interval(secs => $5)
           where id = $1 and status = 'running' and lease_until = $2 returning lease_until`,
    values: [taken.id, taken.leaseUntil, JSON.stringify(layout), rowsTotal, importLeaseSeconds],
  });
  return rows[0] && { ...taken, layout, rowsTotal, leaseUntil: rows[0].lease_until };
}

/** The file of an import as it came, piece by piece. */
export async function* readImportChunks(db: Queryable, importId: string): AsyncGenerator<Buffer> {
  for (let number = 0; ; number += 1) {
    const { rows } = await db.query<{ bytes: Buffer }>({
      name: "read-import-chunk",
      text: "select bytes from contact_import_chunk where import_id = $1 and number = $2",
      values: [importId, number],
    });
    const [chunk] = rows;
    if (chunk === undefined) return;
    yield chunk.bytes;
  }
}
