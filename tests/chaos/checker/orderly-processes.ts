import { clock, doubtsOf, transitionsByExecution } from "./deliveries.ts";
import type { Invariant } from "./invariant.ts";

/** No process ends by itself; one that is told to stop ends with 0, and in a deploy nobody's email comes into doubt. */
export const orderlyProcesses: Invariant = {
  name: "orderly processes",
  violations(history) {
    const ends = history.ends.flatMap(({ at, name, pid, code, signal, wasAsked }) => {
      const how = `${name} (${pid}) ended at ${clock(at)} with ${signal ?? `code ${code}`}`;
      if (!wasAsked) return [`${how}, and nobody asked it to`];
      return signal === "SIGKILL" || code === 0 ? [] : [`${how} after it was told to stop`];
    });
    if (!history.run.isDeploy) return ends;
    const doubts = [...transitionsByExecution(history)].flatMap(([id, of]) =>
      doubtsOf(of).map((at) => `execution ${id} came into doubt at ${clock(at)}, in a planned restart`),
    );
    return [...ends, ...doubts];
  },
};
