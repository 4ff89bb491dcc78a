import { type MovedBy, type MoveTo, runArrow } from "./arrow.ts";
import type { Queryable } from "./database.ts";

/** scheduled → scheduled, later: the window is closed. Not an attempt, and the same wake-up goes on. */
export function deferExecutions(db: Queryable, moves: readonly MoveTo[], by: MovedBy): Promise<string[]> {
  return runArrow(
    db,
    {
      name: "defer-executions",
      kind: "deferred",
      update: `
        update step_execution e set scheduled_for = w.at, updated_at = now()
        from input w
        where e.id = w.execution_id and e.generation = w.generation and e.status = 'scheduled'
        returning e.id`,
    },
    moves,
    by,
  );
}
