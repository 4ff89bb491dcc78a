import type { Queryable } from "@dripline/db/database";
import type { EnrollmentRow, ExecutionRow, OptOut, Transition } from "./history.ts";

/** The part of the history that the database holds. */
export interface Records {
  readonly executions: readonly ExecutionRow[];
  readonly enrollments: readonly EnrollmentRow[];
  readonly transitions: readonly Transition[];
  readonly optOuts: readonly OptOut[];
}

export async function readRecords(db: Queryable): Promise<Records> {
  const executions = await db.query<ExecutionRow>(`
    select e.id, e.enrollment_id as "enrollmentId", e.step_number as "stepNumber", e.status, e.message_id as "messageId",
           e.hold_reason as "holdReason", e.error_message as "errorMessage",
           array(select v.reason from execution_event v where v.execution_id = e.id order by v.at, v.id) as reasons
    from step_execution e order by e.enrollment_id, e.step_number`);
  const enrollments = await db.query<EnrollmentRow>(`
    select n.id, n.sequence_id as "sequenceId", s.in_doubt_policy as policy, lower(c.email) as recipient, n.status,
           n.end_reason as "endReason"
    from sequence_enrollment n join email_sequence s on s.id = n.sequence_id join contact c on c.id = n.contact_id
    order by n.id`);
  const transitions = await db.query<Transition>(`
    select seq::int, (extract(epoch from at) * 1000)::float8 as at, execution_id as "executionId", from_state as "from",
           to_state as "to"
    from chaos.transition order by seq`);
  const optOuts = await db.query<OptOut>(
    `select (extract(epoch from at) * 1000)::float8 as at, recipient from chaos.opt_out order by at`,
  );
  return {
    executions: executions.rows,
    enrollments: enrollments.rows,
    transitions: transitions.rows,
    optOuts: optOuts.rows,
  };
}
