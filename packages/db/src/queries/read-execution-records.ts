import type { ExecutionRecord } from "@dripline/domain/explain-status";
import type { Queryable } from "../database.ts";

/** What is needed to name an execution and to say how it came to stand where it is. */
export interface NamedExecutionRecord extends ExecutionRecord {
  readonly executionId: string;
  readonly stepName: string;
}

/** Reads the rows of these executions with their last events. One that does not exist is missing from the answer. */
export async function readExecutionRecords(
  db: Queryable,
  executionIds: readonly string[],
): Promise<NamedExecutionRecord[]> {
  const { rows } = await db.query({
    name: "read-execution-records",
    text: `
      select e.id, st.name as step_name, e.counts_from, e.hold_reason, e.held_at, e.phase, e.lease_until, e.sent_at,
             e.message_id, e.error_message, n.resume_at, s.in_doubt_policy, s.id as sequence_id, last.at as last_at,
             last.message as last_message, last.actor as last_actor
      from step_execution e
      join sequence_step st on st.id = e.step_id
      join sequence_enrollment n on n.id = e.enrollment_id
      join email_sequence s on s.id = n.sequence_id
      left join lateral (
        select at, message, actor from execution_event x where x.execution_id = e.id order by at desc, id desc limit 1
      ) last on true
      where e.id = any($1)`,
    values: [executionIds],
  });
  return rows.map((row) => ({
    executionId: row.id,
    stepName: row.step_name,
    countsFrom: row.counts_from,
    holdReason: row.hold_reason,
    heldAt: row.held_at,
    phase: row.phase,
    leaseUntil: row.lease_until,
    sentAt: row.sent_at,
    messageId: row.message_id,
    errorMessage: row.error_message,
    resumeAt: row.resume_at,
    inDoubtPolicy: row.in_doubt_policy,
    sequenceId: row.sequence_id,
    lastEvent: row.last_at === null ? null : { at: row.last_at, message: row.last_message, actor: row.last_actor },
  }));
}

/** What somebody may know of an execution: its id, its enrollment's id, or the address of its contact. */
export type KnownOfExecution = { readonly id: string } | { readonly email: string };

/**
 * The executions that somebody means: the one with this id, or those of the enrollment or contact that are still open
 * (waiting, held, under way, failed, or in doubt), soonest first; if none is open, the one that was over last.
 */
export async function findMeantExecutions(db: Queryable, known: KnownOfExecution): Promise<string[]> {
  const { rows } = await db.query<{ id: string; is_open: boolean }>({
    name: "id" in known ? "find-meant-by-id" : "find-meant-by-email",
    text: `
      select e.id,
             e.id::text = $1 or e.status in ('pending', 'scheduled', 'sending')
               or (e.status in ('failed', 'in_doubt') and n.status in ('active', 'paused')) as is_open
      from step_execution e
      join sequence_enrollment n on n.id = e.enrollment_id
      join contact c on c.id = n.contact_id
      where ${"id" in known ? "e.id = $1::uuid or n.id = $1::uuid" : "lower(c.email) = lower($1)"}
      order by e.scheduled_for, e.step_number, e.id`,
    values: ["id" in known ? known.id.toLowerCase() : known.email],
  });
  const open = rows.filter((row) => row.is_open);
  return (open.length > 0 ? open : rows.slice(-1)).map((row) => row.id);
}
