import type { Queryable } from "../database.ts";

/** How often a message of one sequence was handed over and no answer recorded, and what became of that. */
export interface DoubtCounts {
  readonly sequenceId: string;
  readonly sequenceName: string;
  /** All there ever were: the sum of the others. */
  readonly total: number;
  /** In doubt now. */
  readonly open: number;
  /** An operator found that it had arrived. */
  readonly settledAsSent: number;
  /** The worker, taken for dead, came back with the server's "250". */
  readonly answeredLate: number;
  /** The policy or an operator let the same message be sent again, whatever became of that. */
  readonly sentAgain: number;
}

/**
 * Counts doubts per sequence, those with open ones first. Each is a row of the email log, which stays when the execution
 * goes on: the execution still points to the log of a doubt that is open or was settled as sent.
 */
export async function countDoubts(db: Queryable): Promise<DoubtCounts[]> {
  const { rows } = await db.query<{
    id: string;
    name: string;
    total: number;
    open: number;
    settled_as_sent: number;
    answered_late: number;
  }>({
    name: "count-doubts",
    text: `
      select s.id, s.name, count(*)::int as total,
             count(*) filter (where e.status = 'in_doubt' and e.email_log_id = l.id)::int as open,
             count(*) filter (where e.status = 'sent' and e.email_log_id = l.id)::int as settled_as_sent,
             -- The reply ends it, so it is one of this execution's doubts: the last.
             count(distinct e.id) filter (where exists (
               select from execution_event x where x.execution_id = e.id and x.reason = 'late_reply'))::int as answered_late
      from email_log l
      join step_execution e on e.id = l.execution_id
      join sequence_enrollment n on n.id = e.enrollment_id
      join email_sequence s on s.id = n.sequence_id
      where l.outcome = 'in_doubt'
      group by s.id
      order by open desc, total desc, s.name, s.id`,
  });
  return rows.map((row) => ({
    sequenceId: row.id,
    sequenceName: row.name,
    total: row.total,
    open: row.open,
    settledAsSent: row.settled_as_sent,
    answeredLate: row.answered_late,
    sentAgain: row.total - row.open - row.settled_as_sent - row.answered_late,
  }));
}
