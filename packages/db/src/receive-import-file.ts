import type { Queryable } from "./database.ts";

/** One upload of a file: whoever took it over has another, and this one can write no more. */
export interface Upload {
  readonly importId: string;
  readonly lease: Date;
}

/** An upload that sent nothing for so long may be taken over by another one. */
const uploadLeaseSeconds = 30;

/**
 * Begins to take in an import's file, from its beginning: what an upload before this one left is gone. Undefined if the
 * import is not `uploading`, or somebody else is at it.
 */
export async function beginUpload(db: Queryable, importId: string): Promise<Upload | undefined> {
  const { rows } = await db.query<{ lease_until: Date }>({
    name: "begin-upload",
    text: `
      with taken as (
        update contact_import
        set lease_until = clock_timestamp() + make_interval(secs => $2), bytes_total = 0
        where id = $1 and status = 'uploading' and (lease_until is null or lease_until < clock_timestamp())
        returning id, lease_until
      ),
      gone as (delete from contact_import_chunk c using taken t where c.import_id = t.id)
      select lease_until from taken`,
    values: [importId, uploadLeaseSeconds],
  });
  return rows[0] && { importId, lease: rows[0].lease_until };
}

/** Keeps the next piece of the file. Answers the upload to go on with; undefined if it is no longer this one's turn. */
export async function appendChunk(
  db: Queryable,
  upload: Upload,
  number: number,
  bytes: Uint8Array,
): Promise<Upload | undefined> {
  const { rows } = await db.query<{ lease_until: Date }>({
    name: "append-chunk",
    text: `
      with kept as (
        update contact_import
        set lease_until = clock_timestamp() + make_interval(secs => $5), bytes_total = bytes_total + length($4::bytea)
        where id = $1 and status = 'uploading' and lease_until = $2
        returning id, lease_until
      ),
      written as (insert into contact_import_chunk (import_id, number, bytes) select id, $3, $4::bytea from kept)
      select lease_until from kept`,
    values: [upload.importId, upload.lease, number, bytes, uploadLeaseSeconds],
  });
  return rows[0] && { ...upload, lease: rows[0].lease_until };
}

/** uploading → waiting: the file is there as a whole. False if it is no longer this upload's turn. */
export async function finishUpload(tx: Queryable, { importId, lease }: Upload, now: Date): Promise<boolean> {
  const { rowCount } = await tx.query({
    name: "finish-upload",
    text: `update contact_import set status = 'waiting', lease_until = null, updated_at = $3
           where id = $1 and status = 'uploading' and lease_until = $2`,
    values: [importId, lease, now],
  });
  return rowCount === 1;
}

/** Lets another upload begin at once, after this one broke off. */
export async function abandonUpload(db: Queryable, { importId, lease }: Upload): Promise<void> {
  await db.query({
    name: "abandon-upload",
    text: "update contact_import set lease_until = null where id = $1 and status = 'uploading' and lease_until = $2",
    values: [importId, lease],
  });
}
