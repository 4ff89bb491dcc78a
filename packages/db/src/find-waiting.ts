import type { Queryable } from "./database.ts";
import type { DueRow } from "./find-unwoken.ts";

/** A place in the order in which executions come up: by time, then by id. */
export interface WaitingPosition {
  readonly scheduledFor: Date;
  readonly executionId: string;
}

export type WaitingRow = Omit<DueRow, "wasRescued">;

const lowestId = "00000000-0000-0000-0000-000000000000";

/** Where a walk starts that is to find everything scheduled for `at` or later. */
export function positionAt(at: Date): WaitingPosition {
  return { scheduledFor: at, executionId: lowestId };
}

/** The scheduled executions that come up after `after` and before `until`, in that order. Locks and marks nothing. */
export async function findWaiting(
  db: Queryable,
  walk: { readonly after: WaitingPosition; readonly until: Date; readonly limit: number },
): Promise<WaitingRow[]> {
  const { rows } = await db.query<{ id: string; generation: number; scheduled_for: Date }>({
    name: "find-waiting",
    text: findWaitingText,
    values: [walk.after.scheduledFor, walk.after.executionId, walk.until, walk.limit],
  });
  return rows.map((row) => ({ executionId: row.id, generation: row.generation, scheduledFor: row.scheduled_for }));
}

/** For its test, which asks PostgreSQL how it runs this. */
export const findWaitingText = `
  select id, generation, scheduled_for from step_execution
  where status = 'scheduled' and scheduled_for >= $1 and scheduled_for < $3 and (scheduled_for, id) > ($1, $2::uuid)
  order by scheduled_for, id limit $4`;

/** How many executions are scheduled for before then, overdue ones included. */
export async function countWaiting(db: Queryable, until: Date): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    "select count(*)::int as count from step_execution where status = 'scheduled' and scheduled_for < $1",
    [until],
  );
  return rows[0]?.count ?? 0;
}
