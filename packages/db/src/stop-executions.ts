import type { StopReason } from "@dripline/domain/decide-send";
import { type Move, type MovedBy, runArrow } from "./arrow.ts";
import type { Queryable } from "./database.ts";

/**
 * scheduled → skipped, and the enrollment ends with it: unsubscribed if the contact opted out, cancelled if the address
 * is suppressed or the sequence archived. An enrollment that had ended before keeps its own reason.
 */
export function stopExecutions(
  db: Queryable,
  moves: readonly (Move & { readonly reason: StopReason })[],
  by: MovedBy,
): Promise<string[]> {
  return runArrow(
    db,
    {
      name: "stop-executions",
      kind: "skipped",
      // The enrollment is locked before the execution, as unenrolling does: the other way round the two would deadlock.
      before: `
      locked as materialized (
        select e.id as execution_id from sequence_enrollment n
        join step_execution e on e.enrollment_id = n.id join input w on w.execution_id = e.id
        order by n.id for update of n
      ),`,
      update: `
        update step_execution e set status = 'skipped', error_message = w.message, updated_at = now()
        from input w, locked
        where locked.execution_id = e.id and e.id = w.execution_id and e.generation = w.generation and e.status = 'scheduled'
        returning e.id, e.enrollment_id, w.reason
      ),
      ended as (
        update sequence_enrollment n
        set status = case when m.reason = 'contact_opted_out' then 'unsubscribed' else 'cancelled' end,
            end_reason = m.reason, ended_at = $7, paused_at = null, resume_at = null, updated_at = now()
        from moved m where n.id = m.enrollment_id and n.status in ('active', 'paused')`,
    },
    moves,
    by,
  );
}
