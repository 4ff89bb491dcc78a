import { arrivalsByExecution, clock, doubtsOf, transitionsByExecution } from "./deliveries.ts";
import type { Invariant } from "./invariant.ts";

/** What has arrived is recorded as sent, or is or was listed as in doubt. */
export const arrivedRecorded: Invariant = {
  name: "arrived means recorded",
  violations(history) {
    const executions = new Map(history.executions.map((execution) => [execution.id, execution]));
    const transitions = transitionsByExecution(history);
    return [...arrivalsByExecution(history)].flatMap(([id, copies]) => {
      const execution = executions.get(id);
      if (execution?.status === "sent" || doubtsOf(transitions.get(id)).length > 0) return [];
      const at = copies.map((copy) => clock(copy.at)).join(", ");
      return [`execution ${id} arrived at ${at} and is ${execution?.status}, without a doubt on record`];
    });
  },
};
