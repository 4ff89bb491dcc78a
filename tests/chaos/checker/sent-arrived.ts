import { arrivalsByExecution } from "./deliveries.ts";
import type { Invariant } from "./invariant.ts";

/** What is recorded as sent has arrived. */
export const sentArrived: Invariant = {
  name: "sent means arrived",
  violations(history) {
    const arrivals = arrivalsByExecution(history);
    return history.executions.flatMap(({ id, status, stepNumber }) =>
      status === "sent" && !arrivals.has(id)
        ? [`execution ${id} (step ${stepNumber}) is sent, and nothing arrived`]
        : [],
    );
  },
};
