import { setTimeout as wait } from "node:timers/promises";
import type { Fault } from "../history/history.ts";
import type { Stack } from "../stack.ts";
import { fullMilliseconds, type Lane } from "./plan-faults.ts";
import { strike } from "./strike.ts";

/** Lets every lane of faults strike over `milliseconds`; resolves when the last one is over. */
export async function runFaults(
  stack: Stack,
  lanes: readonly Lane[],
  milliseconds: number,
  onFault: (fault: Fault) => void,
): Promise<void> {
  await Promise.all(lanes.map((lane) => runLane(stack, lane, milliseconds, onFault)));
}

async function runLane(
  stack: Stack,
  { faults }: Lane,
  milliseconds: number,
  onFault: (fault: Fault) => void,
): Promise<void> {
  const busy = faults.reduce((sum, { fault }) => sum + fullMilliseconds(fault), 0);
  const pauses = Math.max(0, milliseconds - busy);
  const startedAt = Date.now();
  let due = startedAt;
  for (const { fault, pauseShare } of faults) {
    due += pauses * pauseShare;
    // A fault that took longer than it was meant to takes its time from the pauses after it.
    await wait(Math.max(0, due - Date.now()));
    const at = Date.now();
    const target = await strike(stack, fault);
    onFault({ at, until: Date.now(), kind: fault.kind, target });
    due += fullMilliseconds(fault);
  }
}
