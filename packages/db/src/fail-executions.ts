import { type Move, type MovedBy, runArrow } from "./arrow.ts";
import type { Queryable } from "./database.ts";

/**
 * sending → failed: refused for good, or attempts used up. The enrollment stays where it is and is listed as needing
 * attention until an operator retries, skips or cancels. With the reason `hard_bounce` the address that the message was for
 * is suppressed in the same statement: nothing is ever sent to it again, whatever dies after it.
 */
export function failExecutions(db: Queryable, moves: readonly Move[], by: MovedBy): Promise<string[]> {
  return runArrow(
    db,
    {
      name: "fail-executions",
      kind: "failed",
      update: `
        update step_execution e
        set status = 'failed', phase = null, lease_until = null, error_message = w.message,
            smtp_code = w.smtp_code, enhanced_code = w.enhanced_code, updated_at = now()
        from input w
        where e.id = w.execution_id and e.generation = w.generation and e.status = 'sending'
        returning e.id, e.enrollment_id, e.message_source, w.reason, w.message
      ),
      suppressed as (
        insert into suppression (id, email, reason, note)
        select gen_random_uuid(), coalesce(m.message_source -> 'to' ->> 'address', c.email), 'hard_bounce', m.message
        from moved m join sequence_enrollment n on n.id = m.enrollment_id join contact c on c.id = n.contact_id
        where m.reason = 'hard_bounce'
        on conflict do nothing`,
    },
    moves,
    by,
  );
}
