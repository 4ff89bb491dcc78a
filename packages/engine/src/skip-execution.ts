import type { MovedBy } from "@dripline/db/arrow";
import type { Queryable } from "@dripline/db/database";
import { finishExecutions } from "@dripline/db/finish-executions";
import { loadFacts } from "@dripline/db/load-facts";
import { lockExecutions } from "@dripline/db/lock-executions";
import { withNote } from "@dripline/db/with-note";
import type { Pace } from "@dripline/domain/delay";
import { explainUnmoved } from "./explain-unmoved.ts";
import { planAfter } from "./plan-after.ts";
import type { ActionResult } from "./retry-execution.ts";

const leaves = ["pending", "scheduled", "failed"] as const;

/**
 * pending, scheduled or failed → skipped: an operator decides that this email is not sent. The next step's delay counts
 * from now; an enrollment without one completes. Of an enrollment that has ended, or went on from here before, it only
 * closes the row. Call it in a transaction and set the timers after its commit.
 */
export async function skipExecution(
  tx: Queryable,
  executionId: string,
  { note, pace, now, actor }: MovedBy & { readonly note: string; readonly pace: Pace },
): Promise<ActionResult> {
  await lockExecutions(tx, [executionId]);
  const [facts] = await loadFacts(tx, [executionId]);
  const from = leaves.find((status) => status === facts?.execution.status);
  if (facts === undefined || from === undefined) return explainUnmoved(tx, executionId, leaves);
  const isLive = facts.enrollment.status === "active" || facts.enrollment.status === "paused";
  const [finished] = await finishExecutions(tx, [
    {
      executionId,
      generation: facts.execution.generation,
      from,
      to: "skipped",
      at: now,
      email: null,
      event: { reason: "operator", message: withNote("An operator skipped it.", note), actor },
      versionId: facts.enrollment.versionId,
      plan: isLive ? planAfter(facts, now, pace) : null,
    },
  ]);
  if (finished === undefined) return explainUnmoved(tx, executionId, leaves);
  const { next } = finished;
  return { kind: "moved", wakes: next === null ? [] : [{ ...next, at: next.scheduledFor }] };
}
