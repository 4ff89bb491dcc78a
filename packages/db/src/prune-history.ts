import type { Queryable } from "./database.ts";

/** Nothing of an enrollment with one of these goes: it can still be sent, is being sent, or waits for somebody. */
const isOpen = "o.status in ('pending', 'scheduled', 'sending', 'in_doubt')";

const hasEnded = `
  n.status in ('completed', 'unsubscribed', 'cancelled') and n.ended_at < $1
  and not exists (select from step_execution o where o.enrollment_id = n.id and ${isOpen})`;

/** Where a walk along `scheduled_for` is. */
export interface HistoryPosition {
  readonly scheduledFor: Date;
  readonly executionId: string;
}

/** Before everything. */
export const historyBegin: HistoryPosition = {
  scheduledFor: new Date(0),
  executionId: "00000000-0000-0000-0000-000000000000",
};

export interface HistoryWalk {
  readonly after: HistoryPosition;
  /** What ended before then may go. */
  readonly before: Date;
  /** So many executions are looked at. */
  readonly limit: number;
}

export interface HistoryCounts {
  readonly executions: number;
  readonly events: number;
  readonly emailLogs: number;
}

// An enrollment that ended before a moment has an execution that was planned for before it, and executions are gone once
// they were pruned: so this reads what may go, and the past of those who are still under way, but never everybody who ever was.
const walked = `
  walked as materialized (
    select e.id, e.enrollment_id, e.scheduled_for from step_execution e
    where (e.scheduled_for, e.id) > ($2, $3::uuid) and e.scheduled_for < $1
    order by e.scheduled_for, e.id limit $4
  )`;

/** The enrollments in the next stretch whose history may go, and how far it reaches; undefined at the end. */
export async function findEndedHistory(
  db: Queryable,
  walk: HistoryWalk,
): Promise<{ readonly enrollmentIds: readonly string[]; readonly last: HistoryPosition } | undefined> {
  const { rows } = await db.query<{ scheduled_for: Date; id: string; ended: string[] }>({
    name: "find-ended-history",
    text: `
      with ${walked}
      select w.scheduled_for, w.id, array(
        select n.id from sequence_enrollment n
        where n.id = any(array(select enrollment_id from walked)) and ${hasEnded} order by n.id
      ) as ended
      from walked w order by w.scheduled_for desc, w.id desc limit 1`,
    values: valuesOf(walk),
  });
  const [row] = rows;
  return row && { enrollmentIds: row.ended, last: { scheduledFor: row.scheduled_for, executionId: row.id } };
}

/** What {@link findEndedHistory} and a deletion would take, counted along the same walk; undefined at the end. */
export async function countEndedHistory(
  db: Queryable,
  walk: HistoryWalk,
): Promise<{ readonly counts: HistoryCounts; readonly last: HistoryPosition } | undefined> {
  const { rows } = await db.query<{
    scheduled_for: Date;
    id: string;
    executions: number;
    events: number;
    email_logs: number;
  }>({
    name: "count-ended-history",
    text: `
      with ${walked},
      ended as materialized (
        select w.id from walked w join sequence_enrollment n on n.id = w.enrollment_id where ${hasEnded}
      )
      select w.scheduled_for, w.id, (select count(*)::int from ended) as executions,
             (select count(*)::int from execution_event v join ended on ended.id = v.execution_id) as events,
             (select count(*)::int from email_log l join ended on ended.id = l.execution_id) as email_logs
      from walked w order by w.scheduled_for desc, w.id desc limit 1`,
    values: valuesOf(walk),
  });
  const [row] = rows;
  if (row === undefined) return undefined;
  const { executions, events, email_logs: emailLogs } = row;
  return { counts: { executions, events, emailLogs }, last: { scheduledFor: row.scheduled_for, executionId: row.id } };
}

/**
 * Deletes executions, events and email logs of these enrollments, as far as they ended before then and nothing of them is
 * open; the enrollments stay. One that somebody is at this moment is left for the next time. Call it in a transaction.
 */
export async function deleteHistory(
  tx: Queryable,
  enrollmentIds: readonly string[],
  before: Date,
): Promise<HistoryCounts> {
  // In the order in which everybody takes them, and in statements of their own: what comes after them reads what an operator
  // who was just at one has left.
  const { rows: locked } = await tx.query<{ id: string }>({
    name: "lock-ended-enrollments",
    text: "select n.id from sequence_enrollment n where n.id = any($1) order by n.id for update skip locked",
    values: [enrollmentIds],
  });
  const ids = locked.map(({ id }) => id);
  await tx.query({
    name: "lock-ended-executions",
    text: "select from step_execution e where e.enrollment_id = any($1) order by e.id for update",
    values: [ids],
  });
  const { rows } = await tx.query<{ executions: number; events: number; email_logs: number }>({
    name: "delete-history",
    text: `
      with ended as materialized (
        select n.id from sequence_enrollment n where n.id = any($2) and ${hasEnded}
      ),
      executions as (
        delete from step_execution e using ended where e.enrollment_id = ended.id returning e.id
      ),
      -- All at once, before the foreign key would do it one by one.
      events as (
        delete from execution_event v using executions where v.execution_id = executions.id returning 1
      ),
      logs as (
        delete from email_log l using executions where l.execution_id = executions.id returning 1
      )
      select (select count(*)::int from executions) as executions, (select count(*)::int from events) as events,
             (select count(*)::int from logs) as email_logs`,
    values: [before, ids],
  });
  const [row] = rows;
  if (row === undefined) throw new Error("a count has no rows");
  return { executions: row.executions, events: row.events, emailLogs: row.email_logs };
}

function valuesOf({ before, after, limit }: HistoryWalk): unknown[] {
  return [before, after.scheduledFor, after.executionId, limit];
}
