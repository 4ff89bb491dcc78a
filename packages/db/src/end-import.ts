import type { Queryable } from "./database.ts";
import type { TakenImport } from "./take-import.ts";

// The file is gone with the end: what is left to know is in the counts and the failures.
const dropChunks = "dropped as (delete from contact_import_chunk c using ended e where c.import_id = e.id)";

/** running → completed, or failed with a sentence why. False if it is not this process's any more. */
export async function endImport(
  db: Queryable,
  taken: TakenImport,
  { now, errorMessage = null }: { readonly now: Date; readonly errorMessage?: string | null },
): Promise<boolean> {
  const { rowCount } = await db.query({
    name: "end-import",
    text: `
      with ended as (
        update contact_import
        set status = case when $4::text is null then 'completed' else 'failed' end,
            error_message = $4, lease_until = null, ended_at = $3, updated_at = $3
        where id = $1 and status = 'running' and lease_until = $2
        returning id
      ), ${dropChunks}
      select id from ended`,
    values: [taken.id, taken.leaseUntil, now, errorMessage],
  });
  return rowCount === 1;
}

/** uploading, waiting or running → cancelled. A batch of rows that is under way is waited for. */
export async function cancelImport(tx: Queryable, importId: string, now: Date): Promise<boolean> {
  const { rowCount } = await tx.query({
    name: "cancel-import",
    text: `
      with ended as (
        update contact_import set status = 'cancelled', lease_until = null, ended_at = $2, updated_at = $2
        where id = $1 and status in ('uploading', 'waiting', 'running')
        returning id
      ), ${dropChunks}
      select id from ended`,
    values: [importId, now],
  });
  return rowCount === 1;
}

/** Deletes an import that has ended, with its failures. */
export async function deleteEndedImport(tx: Queryable, importId: string): Promise<boolean> {
  const { rowCount } = await tx.query({
    name: "delete-ended-import",
    text: "delete from contact_import where id = $1 and status in ('completed', 'failed', 'cancelled')",
    values: [importId],
  });
  return rowCount === 1;
}

/** uploading → failed, for those whose file has not come for so long. Answers how many. */
export async function endForgottenUploads(
  db: Queryable,
  { now, hours }: { readonly now: Date; readonly hours: number },
): Promise<number> {
  const { rows } = await db.query({
    name: "end-forgotten-uploads",
    text: `
      with ended as (
        update contact_import
        set status = 'failed', lease_until = null, ended_at = $1, updated_at = $1,
            error_message = format('Its file did not come within %s hours.', $2::int)
        where status = 'uploading' and created_at < $1::timestamptz - make_interval(hours => $2)
          and (lease_until is null or lease_until < clock_timestamp())
        returning id
      ), ${dropChunks}
      select id from ended`,
    values: [now, hours],
  });
  return rows.length;
}
