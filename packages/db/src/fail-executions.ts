import { type Move, type MovedBy, runArrow } from "./arrow.ts";
import type { Queryable } from "./database.ts";

/**
 * sending → failed: refused for good, or attempts used up. The enrollment stays where it is and is listed as needing
 * attention until an operator retries, skips or cancels.
 */
export function failExecutions(db: Queryable, moves: readonly Move[], by: MovedBy): Promise<string[]> {
  return runArrow(
    db,
    {
      name: "fail-executions",
      kind: "failed",
      update: `
        update step_execution e
        set status = 'failed', phase = null, lease_until = null, error_message = w.message, updated_at = now()
        from input w
        where e.id = w.execution_id and e.generation = w.generation and e.status = 'sending'
        returning e.id`,
    },
    moves,
    by,
  );
}
