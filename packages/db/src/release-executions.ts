import { type MovedBy, type MoveTo, runArrow } from "./arrow.ts";
import type { Queryable } from "./database.ts";

/**
 * sending → scheduled, later, and the attempt is given back: nothing left this machine, and what went wrong (our own
 * settings, our own database) says nothing about this email.
 */
export function releaseExecutions(db: Queryable, moves: readonly MoveTo[], by: MovedBy): Promise<string[]> {
  return runArrow(
    db,
    {
      name: "release-executions",
      kind: "released",
      update: `
        update step_execution e
        set status = 'scheduled', phase = null, lease_until = null, scheduled_for = w.at, error_message = w.message,
            smtp_code = w.smtp_code, enhanced_code = w.enhanced_code,
            attempt_count = e.attempt_count - 1, updated_at = now()
        from input w
        where e.id = w.execution_id and e.generation = w.generation and e.status = 'sending'
        returning e.id`,
    },
    moves,
    by,
  );
}
