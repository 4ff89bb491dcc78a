import { type Move, type MovedBy, runArrow } from "./arrow.ts";
import type { Queryable } from "./database.ts";

/**
 * scheduled → pending: kept without a timer, with the reason, until somebody lets it go on. For a pause only if it is
 * still there: a resume that came after the facts were read would never look at the row again. The enrollment is locked
 * before the execution, as everywhere.
 */
export function holdExecutions(db: Queryable, moves: readonly Move[], by: MovedBy): Promise<string[]> {
  return runArrow(
    db,
    {
      name: "hold-executions",
      kind: "held",
      before: `
      locked as materialized (
        select e.id as execution_id, n.status, n.sequence_id from sequence_enrollment n
        join step_execution e on e.enrollment_id = n.id join input w on w.execution_id = e.id
        order by n.id for share of n
      ),`,
      update: `
        update step_execution e
        set status = 'pending', hold_reason = w.reason, held_at = $7, error_message = w.message, updated_at = now()
        from input w, locked join email_sequence s on s.id = locked.sequence_id
        where locked.execution_id = e.id and e.id = w.execution_id and e.generation = w.generation and e.status = 'scheduled'
          and case w.reason when 'enrollment_paused' then locked.status = 'paused'
                            when 'sequence_paused' then s.status = 'paused' else true end
        returning e.id`,
    },
    moves,
    by,
  );
}
