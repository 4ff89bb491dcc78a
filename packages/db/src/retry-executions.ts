import { type MovedBy, type MoveTo, runArrow } from "./arrow.ts";
import type { Queryable } from "./database.ts";

/**
 * sending → scheduled, later: the server asked to come back, or was not reached. The attempt stays counted, unless our
 * own settings are to blame (`transport_unusable`): then no attempt was made that says anything about this email.
 */
export function retryExecutions(db: Queryable, moves: readonly MoveTo[], by: MovedBy): Promise<string[]> {
  return runArrow(
    db,
    {
      name: "retry-executions",
      kind: "retried",
      update: `
        update step_execution e
        set status = 'scheduled', phase = null, lease_until = null, scheduled_for = w.at, error_message = w.message,
            attempt_count = e.attempt_count - case when w.reason = 'transport_unusable' then 1 else 0 end, updated_at = now()
        from input w
        where e.id = w.execution_id and e.generation = w.generation and e.status = 'sending'
        returning e.id`,
    },
    moves,
    by,
  );
}
