import type { Invariant } from "./invariant.ts";

/** Every fault that was planned has struck: a run that got milder proves less than it says. */
export const faultsStruck: Invariant = {
  name: "faults struck",
  violations({ run, faults }) {
    return Object.entries(run.plannedFaults).flatMap(([kind, planned]) => {
      const struck = faults.filter((fault) => fault.kind === kind).length;
      return struck >= planned ? [] : [`${kind}: ${struck} of ${planned} struck`];
    });
  },
};
