import { type Database, inTransaction } from "@dripline/db/database";
import { insertAuditEntry } from "@dripline/db/queries/insert-audit-entry";
import { reviveExecutions } from "@dripline/db/revive-executions";
import type { WakeQueue } from "@dripline/queue/wake-queue";
import { auditOfMany } from "./audit-of-many.ts";
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
  const revived = await inTransaction(deps.db, async (tx) => {
    const moved = await reviveExecutions(tx, which, deps);
    const executions = moved.map(({ executionId }) => executionId);
    if (moved.length > 0) await insertAuditEntry(tx, auditOfMany("retryExecutions", executions, deps));
    return moved;
  });
  const wakes = revived.map(({ executionId, generation, scheduledFor }) => ({
    executionId,
    generation,
    at: scheduledFor,
  }));
  await wakeAfterCommit(deps.queue, wakes, () => {}); // a sweep finds them if the queue is away
  return revived.map((row) => row.executionId);
}
