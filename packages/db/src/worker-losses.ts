import type { MovedBy } from "./arrow.ts";
import type { Queryable } from "./database.ts";

/**
 * An execution with which this many workers died is not given to another one. Not fewer: where workers are killed at
 * random (out of memory for another reason, a node that goes away), whatever they have in hand is hit as well, and five
 * times in a row is beyond bad luck.
 */
export const workerLossesMax = 5;

/** What it says of itself then, to whoever looks: the event, `due --dry-run` and `explain`. */
export const lostRepeatedly = {
  reason: "worker_lost_repeatedly",
  message: `${workerLossesMax} workers died while they had this email in hand, so no other tries it. Look at the workers' logs and memory, and at this template and contact; then retry it or skip it.`,
} as const;

/**
 * From this many on it is tried alone. Not from the first: a killed worker may have held a hundred emails, and one after
 * the other they would keep everybody else waiting, for the sake of one that kills once in a thousand deaths.
 */
export const workerLossesAlone = 2;

export interface CountedLoss {
  readonly executionId: string;
  readonly workerLosses: number;
  readonly kind: "counted" | "failed";
}

/**
 * One more worker died with these executions in its hands before it claimed them, so that nothing was written down
 * then. Call it before anything that may kill this worker as well: at the limit it is scheduled → failed. What is not
 * scheduled in that generation any more is missing from the answer.
 */
export async function countUnclaimedLosses(
  db: Queryable,
  wakes: readonly { readonly executionId: string; readonly generation: number }[],
  { now, actor }: MovedBy,
): Promise<CountedLoss[]> {
  const { rows } = await db.query<{ id: string; worker_losses: number; status: string }>({
    name: "count-unclaimed-losses",
    text: `
      with moved as (
        update step_execution e
        set worker_losses = e.worker_losses + 1, updated_at = now(),
            status = case when e.worker_losses + 1 >= ${workerLossesMax} then 'failed' else 'scheduled' end,
            error_message = case when e.worker_losses + 1 >= ${workerLossesMax} then $5 else e.error_message end
        from unnest($1::uuid[], $2::int[]) as w(execution_id, generation)
        where e.id = w.execution_id and e.generation = w.generation and e.status = 'scheduled'
        returning e.id, e.worker_losses, e.status
      ),
      told as (
        insert into execution_event (id, execution_id, at, kind, reason, message, actor)
        select gen_random_uuid(), id, $3, case status when 'failed' then 'failed' else 'rescued' end,
               case status when 'failed' then $6 else 'worker_lost' end,
               case status when 'failed' then $5
                 else 'A worker died while it had this email in hand and before anything was sent (' || worker_losses
                      || ' of ${workerLossesMax}): it is tried again'
                      || case when worker_losses >= ${workerLossesAlone} then ', alone.' else '.' end end, $4
        from moved
      )
      select id, worker_losses, status from moved`,
    values: [
      wakes.map((w) => w.executionId),
      wakes.map((w) => w.generation),
      now,
      actor,
      lostRepeatedly.message,
      lostRepeatedly.reason,
    ],
  });
  return rows.map((row) => ({
    executionId: row.id,
    workerLosses: row.worker_losses,
    kind: row.status === "failed" ? "failed" : "counted",
  }));
}

/** Counts a worker that died in the phase `data`; what became of the row then (in doubt, by the policy) is not touched. */
export async function countDataLosses(db: Queryable, executionIds: readonly string[]): Promise<void> {
  await db.query({
    name: "count-data-losses",
    text: "update step_execution set worker_losses = worker_losses + 1 where id = any($1)",
    values: [executionIds],
  });
}

/** With how many workers' deaths this execution was in hand since a person let it go on last; 0 if there is none such. */
export async function readWorkerLosses(db: Queryable, executionId: string): Promise<number> {
  const { rows } = await db.query<{ worker_losses: number }>({
    name: "read-worker-losses",
    text: "select worker_losses from step_execution where id = $1",
    values: [executionId],
  });
  return rows[0]?.worker_losses ?? 0;
}
