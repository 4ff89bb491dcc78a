import { clock } from "./deliveries.ts";
import type { Invariant } from "./invariant.ts";

const drainMillisecondsMax = 60_000;

/** A minute after the last fault nothing is left under way. */
export const drained: Invariant = {
  name: "drained",
  violations({ run, executions }) {
    const { lastFaultAt, drainedAt } = run;
    if (drainedAt !== null && drainedAt <= lastFaultAt + drainMillisecondsMax) return [];
    const open = executions.filter(({ status }) => status === "scheduled" || status === "sending");
    const sample = open.slice(0, 3).map(({ id, status }) => `${id} ${status}`);
    return [
      `60 s after the last fault (${clock(lastFaultAt)}) ${open.length} emails were under way: ${sample.join(", ") || "enrollments without an open step"}`,
    ];
  },
};
