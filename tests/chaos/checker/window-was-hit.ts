import { doubtsOf, transitionsByExecution } from "./deliveries.ts";
import type { Invariant } from "./invariant.ts";

const killsMin = 40;

/** A run that killed so often and brought nothing into doubt never struck between the first byte and the record. */
export const windowWasHit: Invariant = {
  name: "window was hit",
  violations(history) {
    const kills = history.faults.filter(({ kind }) => kind === "kill").length;
    const hasDoubts = [...transitionsByExecution(history).values()].some((of) => doubtsOf(of).length > 0);
    return kills < killsMin || hasDoubts
      ? []
      : [`${kills} kills, and no email came into doubt: they missed the window`];
  },
};
