import type { ExecutionState, Transition } from "../history/history.ts";
import { clock, transitionsByExecution } from "./deliveries.ts";
import type { Invariant } from "./invariant.ts";

/** The arrows of docs/states.md that a run can take, by `status` or `status[phase]`; "new" is a row that was not there. */
const arrows = new Set([
  "new > scheduled",
  "new > pending",
  "new > skipped",
  "scheduled > scheduled", // deferred, or its place under a limit is later
  "scheduled > pending",
  "scheduled > skipped",
  "scheduled > sending[claimed]",
  "scheduled > failed", // stopped by its count of lost workers
  "pending > scheduled",
  "pending > pending",
  "pending > skipped",
  "failed > scheduled",
  "failed > skipped",
  "sending[claimed] > scheduled",
  "sending[claimed] > sending[data]",
  "sending[claimed] > failed", // refused before the body, or stopped by its count of lost workers
  "sending[data] > sent",
  "sending[data] > scheduled", // refused with 4xx after the body
  "sending[data] > failed",
  "sending[data] > in_doubt",
  "in_doubt > scheduled", // resend
  "in_doubt > sent", // settled, by an operator or by an answer that came late
  "scheduled > sent", // such an answer, for an email that was to be sent again
]);

/** Rows only move along the arrows, generations never go down, and every claim opens a new one. */
export const legalTransitions: Invariant = {
  name: "legal transitions",
  violations: (history) =>
    [...transitionsByExecution(history)].flatMap(([id, transitions]) =>
      transitions.flatMap((transition, index) => {
        const where = `execution ${id} at ${clock(transition.at)}`;
        return faultsOf(transition, transitions[index - 1]).map((fault) => `${where}: ${fault}`);
      }),
    ),
};

function faultsOf({ from, to }: Transition, before: Transition | undefined): string[] {
  const arrow = `${from === null ? "new" : nameOf(from)} > ${nameOf(to)}`;
  const faults: string[] = [];
  const isSameState = from !== null && nameOf(from) === nameOf(to);
  if (!arrows.has(arrow) && !(isSameState && isQuiet(from, to))) faults.push(`${arrow} is no arrow`);
  if (before !== undefined && from !== null && nameOf(before.to) !== nameOf(from))
    faults.push(`left ${nameOf(from)}, and had come to ${nameOf(before.to)}`);
  if (from === null) return faults;
  if (to.generation < from.generation) faults.push(`the generation went from ${from.generation} to ${to.generation}`);
  if (to.phase === "claimed" && from.status === "scheduled" && to.generation !== from.generation + 1)
    faults.push(`a claim took generation ${from.generation} to ${to.generation}`);
  return faults;
}

/** Something about the row changed that is no move. */
function isQuiet(from: ExecutionState, to: ExecutionState): boolean {
  return from.generation === to.generation;
}

function nameOf({ status, phase }: ExecutionState): string {
  return phase === null ? status : `${status}[${phase}]`;
}
