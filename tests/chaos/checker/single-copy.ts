import { arrivalsByExecution, clock, doubtsOf, transitionsByExecution } from "./deliveries.ts";
import type { Invariant } from "./invariant.ts";

/**
 * Nobody gets an email twice. Only a sequence whose policy is `resend` may make copies, and before each of them a doubt
 * about the copy before must have been recorded.
 */
export const singleCopy: Invariant = {
  name: "single copy",
  violations(history) {
    const policies = new Map(history.enrollments.map(({ id, policy }) => [id, policy]));
    const executions = new Map(history.executions.map((execution) => [execution.id, execution]));
    const transitions = transitionsByExecution(history);
    return [...arrivalsByExecution(history)].flatMap(([id, copies]) => {
      if (copies.length < 2) return [];
      const where = `step ${executions.get(id)?.stepNumber} of ${copies[0]?.recipient} (execution ${id})`;
      const times = copies.map(({ at }) => clock(at)).join(", ");
      if (policies.get(executions.get(id)?.enrollmentId ?? "") !== "resend")
        return [`${where} arrived ${copies.length} times: ${times}`];
      const doubts = doubtsOf(transitions.get(id));
      return copies.slice(1).flatMap(({ at }, index) => {
        // The copies and the doubts before them go in turns: as many doubts as copies before this one.
        const before = doubts.filter((doubt) => doubt <= at).length;
        return before > index
          ? []
          : [`${where} arrived again at ${clock(at)} with ${before} doubts recorded: ${times}`];
      });
    });
  },
};
