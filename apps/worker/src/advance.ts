import { type Finish, finishExecutions } from "@dripline/db/finish-executions";
import type { ExecutionFacts } from "@dripline/db/load-facts";
import { planNextStep } from "@dripline/domain/next-step";
import { resolveZone } from "@dripline/domain/time-zone";
import { wakeAfterCommit } from "@dripline/engine/wake-after-commit";
import type { SendDeps } from "./send-deps.ts";

/**
 * Ends a step and opens the next one: plans when the next is due (from the moment this one was over), records both in
 * one statement, and sets the next timer after the commit. False if the row was no longer in the state it should leave.
 */
export async function advance(deps: SendDeps, facts: ExecutionFacts, finish: Omit<Finish, "plan">): Promise<boolean> {
  const { schedule } = facts;
  const { zone } = resolveZone(schedule, facts.contact.timezone);
  const plan = planNextStep({
    steps: facts.laterSteps,
    afterStepNumber: facts.execution.stepNumber,
    from: finish.at,
    enrollmentId: facts.enrollment.id,
    schedule,
    zone,
    pace: deps.pace,
  });

  const [finished] = await finishExecutions(deps.db, [{ ...finish, plan }]);
  if (finished === undefined) return false;
  if (finished.next !== null) {
    const { executionId, generation, scheduledFor } = finished.next;
    await wakeAfterCommit(deps.queue, [{ executionId, generation, at: scheduledFor }], (err) =>
      deps.log.warn({ err, executionId }, "the next step's timer could not be queued; the sweep will find its row"),
    );
  }
  return true;
}
