import { type MovedBy, type MoveTo, runArrow } from "./arrow.ts";
import type { Queryable } from "./database.ts";

/** sending → scheduled, later: the server asked to come back, or was not reached. The attempt stays counted. */
export function retryExecutions(db: Queryable, moves: readonly MoveTo[], by: MovedBy): Promise<string[]> {
  return runArrow(
    db,
    {
      name: "retry-executions",
      kind: "retried",
      update: `
        update step_execution e
        set status = 'scheduled', phase = null, lease_until = null, scheduled_for = w.at, error_message = w.message,
            smtp_code = w.smtp_code, enhanced_code = w.enhanced_code,
            updated_at = now()
        from input w
        where e.id = w.execution_id and e.generation = w.generation and e.status = 'sending'
        returning e.id`,
    },
    moves,
    by,
  );
}
