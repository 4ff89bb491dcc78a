import { type Move, type MovedBy, runArrow } from "./arrow.ts";
import type { Queryable } from "./database.ts";

/** scheduled → pending: kept without a timer, with the reason, until somebody lets it go on. */
export function holdExecutions(db: Queryable, moves: readonly Move[], by: MovedBy): Promise<string[]> {
  return runArrow(
    db,
    {
      name: "hold-executions",
      kind: "held",
      update: `
        update step_execution e
        set status = 'pending', hold_reason = w.reason, held_at = $7, error_message = w.message, updated_at = now()
        from input w
        where e.id = w.execution_id and e.generation = w.generation and e.status = 'scheduled'
        returning e.id`,
    },
    moves,
    by,
  );
}
