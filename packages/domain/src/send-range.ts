import { addDelay, type Delay, type Pace } from "./delay.ts";
import { MINUTE } from "./local-time.ts";
import type { Schedule } from "./schedule.ts";
import { nextWindow } from "./window.ts";

/** Both ends belong to it. */
export interface InstantRange {
  readonly earliestAt: Date;
  readonly latestAt: Date;
}

/**
 * Between which two instants a step goes out whose place in the spread is not known, when all that is known of the
 * step before is its range too. The range holds every send that `planSendTime` could give for any seed; it may be wider than
 * those where the schedule is shut within it. Errors as for `addDelay`.
 */
export function sendRange(
  from: InstantRange,
  delay: Delay,
  { schedule, zone, pace }: { readonly schedule: Schedule; readonly zone: string; readonly pace: Pace },
): InstantRange {
  const dues = instantsToTry(from).map((at) => addDelay(at, delay, { schedule, zone, pace }).getTime());
  const firstDue = Math.min(...dues);
  let earliest = Number.POSITIVE_INFINITY;
  let latest = firstDue;

  for (const due of dues) {
    const window = nextWindow(schedule, zone, new Date(due));
    if (window === null) continue;
    const opensAt = window.start.getTime();
    earliest = Math.min(earliest, Math.max(due, opensAt));
    // Due in the open window, but somebody who was due just before its opening is spread over its beginning.
    const isAlwaysIn = opensAt <= firstDue;
    latest = Math.max(latest, due, isAlwaysIn ? due : spreadEnd(schedule, opensAt, window.end.getTime()));
  }
  return { earliestAt: new Date(Math.min(earliest, latest)), latestAt: new Date(latest) };
}

function spreadEnd({ spreadMinutes }: Schedule, opensAt: number, closesAt: number): number {
  const spread = Math.min(spreadMinutes * MINUTE, closesAt - opensAt);
  return opensAt + Math.max(0, spread - 1);
}

/**
 * Its ends, and both sides of each quarter of an hour in between: at midnight and where clocks go back, a later start
 * can lead to an earlier end, and both happen on quarter hours. In between a later start is never due earlier.
 */
function instantsToTry({ earliestAt, latestAt }: InstantRange): Date[] {
  const [first, last] = [earliestAt.getTime(), latestAt.getTime()];
  const instants = [earliestAt];
  for (let at = Math.ceil((first + 1) / QUARTER) * QUARTER; at <= last; at += QUARTER) {
    instants.push(new Date(at - 1), new Date(at));
  }
  if (last > first) instants.push(latestAt);
  return instants;
}

const QUARTER = 15 * MINUTE;
