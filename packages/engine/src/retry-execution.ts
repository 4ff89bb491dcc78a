import type { MovedBy } from "@dripline/db/arrow";
import type { Queryable } from "@dripline/db/database";
import { lockExecutions } from "@dripline/db/lock-executions";
import { reviveExecutions } from "@dripline/db/revive-executions";
import { explainUnmoved, type Unmoved } from "./explain-unmoved.ts";
import type { PendingWake } from "./wake-after-commit.ts";

/** What became of an operator's action on one execution: it moved, with timers to set after the commit, or why not. */
export type ActionResult = { readonly kind: "moved"; readonly wakes: readonly PendingWake[] } | Unmoved;

/**
 * Lets a held or failed execution be tried again, at once and with a fresh count of attempts: what `dripline retry` does
 * to one. Call it in a transaction and set the timers after its commit.
 */
export async function retryExecution(
  tx: Queryable,
  executionId: string,
  by: MovedBy & { readonly note: string },
): Promise<ActionResult> {
  await lockExecutions(tx, [executionId]);
  const revived = await reviveExecutions(tx, { executionIds: [executionId] }, by);
  if (revived.length === 0) return explainUnmoved(tx, executionId, ["pending", "failed"]);
  return { kind: "moved", wakes: revived.map(({ scheduledFor, ...row }) => ({ ...row, at: scheduledFor })) };
}
