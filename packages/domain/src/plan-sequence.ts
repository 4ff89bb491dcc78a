import type { Delay } from "./delay.ts";
import { DAY } from "./local-time.ts";
import { type NextStep, type PassedStep, type PlanNextStepInput, planNextStep } from "./next-step.ts";
import { scheduleFault } from "./schedule-fault.ts";
import { type InstantRange, sendRange } from "./send-range.ts";
import { describeDeferral } from "./send-time.ts";
import { wallClock } from "./wall-clock.ts";

export interface PlanSequenceInput extends PlanNextStepInput {
  /**
   * Nobody is enrolled yet: `enrollmentId` is a stand-in, so the place that a deferred step gets in the spread is not
   * known and `earliestAt` to `latestAt` is where it will be. Left out: the enrollment exists and its plan is exact.
   */
  readonly isHypothetical?: boolean;
  /** At most this many sends; all of them if left out. */
  readonly stepsMax?: number;
}

export interface PlannedSend extends Omit<NextStep, "deferral"> {
  readonly kind: "send";
  /** The same as `scheduledFor`, unless the plan is hypothetical. */
  readonly earliestAt: Date;
  /** The last instant that is possible, itself included. */
  readonly latestAt: Date;
  /** Why it is not simply the step before plus its delay: a sentence for each reason. */
  readonly shifts: readonly string[];
}

export interface PassedInPlan extends PassedStep {
  readonly kind: "passed_over";
  /** The moment of the skip, which is when the step before is over. */
  readonly passedAt: Date;
}

const endOfPlans = new Date("9999-01-01T00:00:00Z");

/**
 * Every future send of one person in order, with inactive steps in their places, by asking `planNextStep` again and
 * again: each step counts from the planned send of the one before. What the worker does differs from it only by how
 * late a send really is. Nothing can be said about what follows a step that is held, so the plan ends with it; it also
 * ends with the year 9998, since RFC 3339 has no date-time of the year 10000 in any zone.
 */
export function planSequence(input: PlanSequenceInput): (PlannedSend | PassedInPlan)[] {
  const { stepsMax = Number.POSITIVE_INFINITY, isHypothetical = false } = input;
  const delays = new Map(input.steps.map((step) => [step.id, step.delay]));
  const entries: (PlannedSend | PassedInPlan)[] = [];
  let { afterStepNumber, from } = input;
  let range: InstantRange = { earliestAt: from, latestAt: from };

  for (let sends = 0; sends < stepsMax; sends += 1) {
    const { passedOver, next } = planNextStep({ ...input, afterStepNumber, from });
    for (const passed of passedOver) entries.push({ kind: "passed_over", ...passed, passedAt: from });
    if (next === null) break;

    const { deferral, ...send } = next;
    const delay = delays.get(next.stepId) ?? { value: 0, unit: "days" };
    const exact = { earliestAt: next.scheduledFor, latestAt: next.scheduledFor };
    range = isHypothetical && !next.isHeld ? sendRange(range, delay, { ...input, zone: next.timezone }) : exact;
    if (range.latestAt >= endOfPlans) break;
    entries.push({ kind: "send", ...send, ...range, shifts: shiftsOf(next, delay, input) });
    if (next.isHeld) break;

    afterStepNumber = next.stepNumber;
    from = next.scheduledFor;
  }
  return entries;
}

function shiftsOf(next: NextStep, delay: Delay, { schedule, pace }: PlanSequenceInput): string[] {
  const { timezone: zone, dueAt, isHeld, deferral } = next;
  const fault = scheduleFault(schedule, zone);
  if (fault !== null) return [fault.message];
  const clocks = pace.dayMilliseconds === DAY ? describeMovedClock(next, delay) : undefined;
  const window = isHeld ? describeDeferral({ plan: { kind: "never" }, zone, dueAt, schedule }) : deferral;
  return [clocks, window].filter((shift) => typeof shift === "string");
}

/** Calendar days keep the time on the wall clock; where clocks go forward, it may not exist on the date they lead to. */
function describeMovedClock(
  { countsFrom, dueAt, timezone: zone }: NextStep,
  { unit, value }: Delay,
): string | undefined {
  if (value === 0 || unit === "minutes" || unit === "hours") return undefined;
  const wanted = wallClock(zone, countsFrom).time;
  const reached = wallClock(zone, dueAt);
  if (wanted === reached.time) return undefined;
  return `clocks go forward in ${zone}: the time ${wanted} does not exist then, the first moment after it is ${reached.date} ${reached.time}`;
}
