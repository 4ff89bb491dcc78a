import type { Queryable } from "./database.ts";

/** Where a walk along `sent_at` is. */
export interface LogPosition {
  readonly sentAt: Date;
  readonly id: string;
}

export const logBegin: LogPosition = { sentAt: new Date(0), id: "00000000-0000-0000-0000-000000000000" };

interface Batch {
  readonly before: Date;
  readonly limit: number;
  /** Only count. */
  readonly isDryRun: boolean;
}

/**
 * Of the next `limit` emails in the log that left before then, deletes those whose execution is gone: the enrollment was
 * deleted. (With an execution they go together.) Answers how many, and how far it came; undefined at the end.
 */
export async function pruneStrayLogs(
  db: Queryable,
  { before, after, limit, isDryRun }: Batch & { readonly after: LogPosition },
): Promise<{ readonly pruned: number; readonly last: LogPosition } | undefined> {
  const strays =
    "select w.id from walked w where not exists (select from step_execution e where e.id = w.execution_id)";
  const { rows } = await db.query<{ sent_at: Date; id: string; pruned: number }>({
    name: `prune-stray-logs-${isDryRun}`,
    text: `
      with walked as materialized (
        select l.id, l.execution_id, l.sent_at from email_log l
        where (l.sent_at, l.id) > ($2, $3::uuid) and l.sent_at < $1 order by l.sent_at, l.id limit $4
      ),
      gone as (${isDryRun ? strays : `delete from email_log l where l.id = any(array(${strays})) returning l.id`})
      select w.sent_at, w.id, (select count(*)::int from gone) as pruned
      from walked w order by w.sent_at desc, w.id desc limit 1`,
    values: [before, after.sentAt, after.id, limit],
  });
  const [row] = rows;
  return row && { pruned: row.pruned, last: { sentAt: row.sent_at, id: row.id } };
}

/** Deletes at most `limit` entries of before then, the oldest first. Answers how many; of a dry run, how many there are in all. */
export async function pruneAuditLog(db: Queryable, { before, limit, isDryRun }: Batch): Promise<number> {
  if (isDryRun) return countOf(db, "select count(*)::int as count from audit_log where at < $1", before);
  const { rowCount } = await db.query({
    name: "prune-audit-log",
    text: `delete from audit_log where ctid = any(array(
             select ctid from audit_log where at < $1 order by at limit $2 for update skip locked))`,
    values: [before, limit],
  });
  return rowCount ?? 0;
}

const endedImports = "select i.id from contact_import i where i.ended_at < $1";

/** Deletes at most `limit` failed rows of imports that ended before then: a file may have had a million of them. Answers how many. */
export async function pruneImportFailures(db: Queryable, { before, limit, isDryRun }: Batch): Promise<number> {
  if (isDryRun) return 0;
  const { rowCount } = await db.query({
    name: "prune-import-failures",
    text: `delete from contact_import_failure where ctid = any(array(
             select f.ctid from contact_import_failure f where f.import_id = any(array(${endedImports})) limit $2))`,
    values: [before, limit],
  });
  return rowCount ?? 0;
}

/** Deletes at most `limit` imports that ended before then, with what is left of them. Answers how many; of a dry run, all there are. */
export async function pruneImports(db: Queryable, { before, limit, isDryRun }: Batch): Promise<number> {
  if (isDryRun) return countOf(db, `select count(*)::int as count from (${endedImports}) i`, before);
  const { rowCount } = await db.query({
    name: "prune-imports",
    text: `delete from contact_import where id = any(array(${endedImports} order by i.id limit $2 for update skip locked))`,
    values: [before, limit],
  });
  return rowCount ?? 0;
}

async function countOf(db: Queryable, text: string, before: Date): Promise<number> {
  const { rows } = await db.query<{ count: number }>(text, [before]);
  return rows[0]?.count ?? 0;
}
