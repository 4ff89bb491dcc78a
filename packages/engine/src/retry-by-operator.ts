import { type Database, inTransaction } from "@dripline/db/database";
import { reviveExecutions } from "@dripline/db/revive-executions";
import type { WakeQueue } from "@dripline/queue/wake-queue";
import { wakeAfterCommit } from "./wake-after-commit.ts";

export interface RetryByOperatorDeps {
  readonly db: Database;
  readonly queue: Pick<WakeQueue, "wake">;
  readonly now: Date;
  /** The principal, for the record. */
  readonly actor: string;
}

/**
 * Lets held or failed executions be tried again, at once and with a fresh count of attempts. Every guard is asked again:
 * what is still paused, or still misses a variable, is held again. Answers the executions that moved.
 */
export async function retryByOperator(
  deps: RetryByOperatorDeps,
  which: Parameters<typeof reviveExecutions>[1],
): Promise<string[]> {
  const revived = await inTransaction(deps.db, (tx) => reviveExecutions(tx, which, deps));
  const wakes = revived.map(({ executionId, generation, scheduledFor }) => ({
    executionId,
    generation,
    at: scheduledFor,
  }));
  await wakeAfterCommit(deps.queue, wakes, () => {}); // a sweep finds them if the queue is away
  return revived.map((row) => row.executionId);
}
