import type { History, Transition, WindowsInForce } from "../history/history.ts";
import { arrivalsByExecution, clock, transitionsByExecution } from "./deliveries.ts";
import type { Invariant } from "./invariant.ts";

/** The sink's clock counts whole milliseconds, PostgreSQL keeps three digits: nothing else may differ. */
const readingMilliseconds = 2;

/** Nothing leaves before its time or outside a window, by the database's clock: neither when it is claimed nor when it is marked. */
export const rightTime: Invariant = {
  name: "right time",
  violations(history) {
    const enrollments = new Map(history.enrollments.map((enrollment) => [enrollment.id, enrollment]));
    const executions = new Map(history.executions.map((execution) => [execution.id, execution]));
    const arrivals = arrivalsByExecution(history);
    return [...transitionsByExecution(history)].flatMap(([id, transitions]) => {
      const enrollmentId = executions.get(id)?.enrollmentId ?? "";
      const windows = windowsOf(history, enrollments.get(enrollmentId)?.sequenceId ?? "");
      const claims = transitions.filter(isClaim);
      const early = claims.filter(({ at, to }) => at < to.scheduledFor - readingMilliseconds);
      const outside = transitions.filter((t) => (isClaim(t) || isMark(t)) && !mayBeOpen(windows, t.at));
      const arrived = (arrivals.get(id) ?? []).flatMap(({ at }) => {
        const claim = claims.findLast((other) => other.at <= at + readingMilliseconds);
        if (claim === undefined) return [`execution ${id} arrived at ${clock(at)} and was not claimed before`];
        return at < claim.to.scheduledFor - readingMilliseconds
          ? [`execution ${id} arrived at ${clock(at)}, planned for ${clock(claim.to.scheduledFor)}`]
          : [];
      });
      return [
        ...early.map(
          ({ at, to }) => `execution ${id} was claimed at ${clock(at)}, planned for ${clock(to.scheduledFor)}`,
        ),
        ...outside.map(({ at, to }) => `execution ${id} was ${to.phase} at ${clock(at)}, outside of its windows`),
        ...arrived,
      ];
    });
  },
};

function isClaim({ from, to }: Transition): boolean {
  return from?.status === "scheduled" && to.status === "sending";
}

function isMark({ from, to }: Transition): boolean {
  return from?.phase === "claimed" && to.phase === "data";
}

function windowsOf({ windows }: History, sequenceId: string): WindowsInForce[] {
  return windows.filter((edit) => edit.sequenceId === sequenceId).toSorted((a, b) => a.askedAt - b.askedAt);
}

/** Whether a window was open at `at` by any of the edits that may have held then. */
function mayBeOpen(edits: readonly WindowsInForce[], at: number): boolean {
  if (edits.length === 0) return true;
  return edits.some((edit, index) => {
    const next = edits[index + 1];
    const mayHold = edit.askedAt <= at && (next === undefined || at <= next.answeredAt + decidingMilliseconds);
    return (
      mayHold &&
      edit.openings.some(([start, end]) => start <= at + readingMilliseconds && at < end + decidingMilliseconds)
    );
  });
}

/** The claim compares with the clock when it looks at the row, and the time logged here is that of its end: busy machines take a while. */
const decidingMilliseconds = 250;
