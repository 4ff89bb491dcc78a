import type { Finish } from "@dripline/db/finish-executions";
import type { ExecutionFacts } from "@dripline/db/load-facts";
import { planAfter } from "@dripline/engine/plan-after";
import { wakeAfterCommit } from "@dripline/engine/wake-after-commit";
import type { SendDeps } from "./send-deps.ts";
import { statementsOn } from "./statements.ts";

/** Nobody publishes a sequence more often than this while one email is recorded. */
const plansMax = 5;

/**
 * Ends a step and opens the next one: plans when the next is due (from the moment this one was over), records both in
 * one statement, and sets the next timer after the commit. False if the row was no longer in the state it should leave.
 *
 * Since the facts were read, an edit that was published may have moved the enrollment to another version, or a sweep may
 * have let it go on from here; then the plan is made again from what holds now.
 */
export async function advance(
  deps: SendDeps,
  facts: ExecutionFacts,
  finish: Omit<Finish, "plan" | "versionId">,
): Promise<boolean> {
  let current = facts;
  for (let plans = 1; plans <= plansMax; plans += 1) {
    if (await finishAsPlanned(deps, current, finish)) return true;
    const now = await statementsOn(deps.db).loadFacts(finish.executionId);
    if (now === undefined || isPlanBasisSame(now, current)) return false;
    current = now;
  }
  throw new Error(`execution ${finish.executionId}: its enrollment changed versions ${plansMax} times meanwhile`);
}

function isPlanBasisSame(a: ExecutionFacts, b: ExecutionFacts): boolean {
  return a.enrollment.versionId === b.enrollment.versionId && a.execution.hasAdvanced === b.execution.hasAdvanced;
}

async function finishAsPlanned(
  deps: SendDeps,
  facts: ExecutionFacts,
  finish: Omit<Finish, "plan" | "versionId">,
): Promise<boolean> {
  const plan = planAfter(facts, finish.at, deps.pace);
  const finished = await statementsOn(deps.db).finish({ ...finish, versionId: facts.enrollment.versionId, plan });
  if (finished === undefined) return false;
  deps.onCheckpoint("recorded", finish.executionId);
  if (finished.next !== null) {
    const { executionId, generation, scheduledFor } = finished.next;
    await wakeAfterCommit(deps.queue, [{ executionId, generation, at: scheduledFor }], (err) =>
      deps.log.warn({ err, executionId }, "the next step's timer could not be queued; the sweep will find its row"),
    );
    deps.onCheckpoint("next_woken", finish.executionId);
  }
  return true;
}
