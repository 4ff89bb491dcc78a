import { arrivalsByExecution, clock, doubtsOf, executionsByEnrollment, transitionsByExecution } from "./deliveries.ts";
import type { Invariant } from "./invariant.ts";

const over = new Set(["sent", "skipped", "in_doubt"]);

/**
 * Somebody's steps come one after the other, none is missing before the last, and they arrive in their order. A message
 * that was listed in doubt already when it arrived is past help: under `advance` the next step may have come before it.
 */
export const stepsInOrder: Invariant = {
  name: "steps in order",
  violations(history) {
    const arrivals = arrivalsByExecution(history);
    const transitions = transitionsByExecution(history);
    return [...executionsByEnrollment(history)].flatMap(([enrollmentId, executions]) => {
      const found: string[] = [];
      let last = { at: 0, step: 0 };
      for (const [index, { id, stepNumber }] of executions.entries()) {
        if (stepNumber !== index + 1) found.push(`enrollment ${enrollmentId}: no row for step ${index + 1}`);
        const opened = transitions.get(id)?.[0]?.at ?? 0;
        const before = executions[index - 1];
        const ended = before && transitions.get(before.id)?.find(({ to }) => over.has(to.status))?.at;
        if (before !== undefined && (ended === undefined || ended > opened))
          found.push(
            `enrollment ${enrollmentId}: step ${stepNumber} was opened before step ${before.stepNumber} was over`,
          );

        const first = arrivals.get(id)?.[0];
        if (first === undefined) continue;
        const wasInDoubt = doubtsOf(transitions.get(id)).some((doubt) => doubt <= first.at);
        if (first.at < last.at && !wasInDoubt)
          found.push(
            `enrollment ${enrollmentId}: step ${stepNumber} arrived at ${clock(first.at)}, before step ${last.step} at ${clock(last.at)}`,
          );
        if (!wasInDoubt) last = { at: first.at, step: stepNumber };
      }
      return found;
    });
  },
};
