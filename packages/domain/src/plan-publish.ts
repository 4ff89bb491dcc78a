import type { Pace } from "./delay.ts";
import { describeDelay } from "./describe-delay.ts";
import { isSameLength, nameStep, type VersionStep } from "./diff-versions.ts";
import { type NextStep, type PassedStep, planNextStep, planStep } from "./next-step.ts";
import type { Schedule } from "./schedule.ts";
import { scheduleFault } from "./schedule-fault.ts";
import { spreadFromNow } from "./spread-from-now.ts";
import { spreadSeed } from "./spread-seed.ts";
import type { SequenceStatus } from "./statuses.ts";
import { type PeopleZones, resolveZone } from "./time-zone.ts";

/** A live enrollment that a publish takes to the new version. */
export interface PersonInFlight {
  readonly enrollmentId: string;
  readonly status: "active" | "paused";
  readonly versionId: string;
  readonly currentStepNumber: number;
  readonly zones: PeopleZones;
  /** The step they are at; null if there is none, or if its outcome is in doubt. */
  readonly open: OpenStep | null;
  /** Keys of all steps that they have an execution of, the open one included. */
  readonly keysHad: readonly string[];
}

export interface OpenStep {
  readonly executionId: string;
  readonly stepKey: string;
  readonly status: "pending" | "scheduled" | "sending" | "failed";
  /** Only while pending. */
  readonly holdReason: string | null;
  /** Only while pending: when its clock stopped. */
  readonly heldAt: Date | null;
  readonly countsFrom: Date;
  readonly scheduledFor: Date;
  readonly attemptCount: number;
}

export interface PublishContext {
  /** The version that these people are in. */
  readonly from: readonly VersionStep[];
  /** The version that they go to. */
  readonly to: readonly VersionStep[];
  readonly toVersionNumber: number;
  readonly sequenceStatus: SequenceStatus;
  readonly schedule: Schedule;
  readonly now: Date;
  readonly pace: Pace;
}

/** What becomes of somebody who waits at a step, in one word. */
export type PublishOutcome = "later" | "sooner" | "due_now" | "moved_on" | "completed" | "unchanged";

export interface FollowEffect {
  readonly enrollmentId: string;
  /** The number, in the new version, of the last step that is behind this person; 0 if none is. */
  readonly currentStepNumber: number;
  readonly change: FollowChange;
  readonly outcome: PublishOutcome;
}

export type FollowChange =
  /** The open step, if there is one, takes the number and content of the new version; its timer stays. */
  | { readonly kind: "keep" }
  /** The open step's delay is another one now. `next.isHeld`: the schedule never opens. */
  | {
      readonly kind: "retime";
      readonly executionId: string;
      readonly next: NextStep;
      /** Its clock stands still: the plan changes, the row stays without a timer. */
      readonly isPaused: boolean;
      readonly message: string;
    }
  /** The open step is gone: it is skipped, and the next one opens (null: the enrollment is complete). */
  | {
      readonly kind: "move_on";
      readonly executionId: string;
      readonly passedOver: readonly PassedStep[];
      readonly next: NextStep | null;
      readonly hold: "enrollment_paused" | "sequence_paused" | "window_never_opens" | null;
      readonly message: string;
    };

/**
 * What a publish that people follow does to one of them. Where they stand is told by the steps' keys: a step that both
 * versions have keeps its timer, unless its delay changed; a step that is gone is skipped, and they go on with what they
 * have still to get. What is at the mail server this moment is left alone: its end plans from the new version.
 */
export function planFollow(person: PersonInFlight, context: PublishContext): FollowEffect {
  const { open, enrollmentId } = person;
  const { from, to } = context;
  const currentStepNumber = reachedStepNumber(from, to, person.currentStepNumber);
  const keep = { enrollmentId, currentStepNumber, change: { kind: "keep" }, outcome: "unchanged" } as const;
  if (open === null || open.status === "sending") return keep;

  const [before, after] = [stepWithKey(from, open.stepKey), stepWithKey(to, open.stepKey)];
  if (after === undefined) return moveOn(person, open, before, context);
  if (before === undefined || isSameLength(before.delay, after.delay)) return keep;
  if (!waitsForItsTime(open)) return keep;
  const retimed = retime(person, open, { before, after }, context);
  return retimed === undefined ? keep : { ...keep, ...retimed };
}

/**
 * The number in `to` of the step at `stepNumber` of `from`, or else of the last one before it that both versions have;
 * 0 if there is none.
 */
export function reachedStepNumber(
  from: readonly VersionStep[],
  to: readonly VersionStep[],
  stepNumber: number,
): number {
  let reached: { readonly at: number; readonly number: number } = { at: 0, number: 0 };
  for (const step of from) {
    if (step.stepNumber > stepNumber || step.stepNumber <= reached.at) continue;
    const here = stepWithKey(to, step.key);
    if (here !== undefined) reached = { at: step.stepNumber, number: here.stepNumber };
  }
  return reached.number;
}

/** The steps of `to` that somebody who stands at `stepNumber` of `from` has still to get: the later ones without those they had. */
export function stepsStillToGet(
  from: readonly VersionStep[],
  to: readonly VersionStep[],
  stepNumber: number,
  keysHad: readonly string[],
): VersionStep[] {
  const reached = reachedStepNumber(from, to, stepNumber);
  return to.filter((step) => step.stepNumber > reached && !keysHad.includes(step.key));
}

/** A failed step, one that waits for an operator and one between two attempts do not wait for their delay. */
function waitsForItsTime(open: OpenStep): boolean {
  return open.attemptCount === 0 && (open.status === "scheduled" || isPaused(open));
}

function isPaused({ status, holdReason }: OpenStep): boolean {
  return status === "pending" && (holdReason === "enrollment_paused" || holdReason === "sequence_paused");
}

function retime(
  person: PersonInFlight,
  open: OpenStep,
  { before, after }: { readonly before: VersionStep; readonly after: VersionStep },
  { schedule, pace, now, toVersionNumber }: PublishContext,
): Pick<FollowEffect, "change" | "outcome"> | undefined {
  const zone = resolveZone(schedule, person.zones);
  if (scheduleFault(schedule, zone.zone) !== null) return undefined; // the look before the send says so, and holds the row
  const { enrollmentId } = person;
  const planned = planStep(after, { from: open.countsFrom, schedule, zone, pace, enrollmentId });
  // A clock that stands still stands where it stopped: what is left to wait is left to wait after the pause.
  const clock = isPaused(open) && open.heldAt !== null ? open.heldAt : now;
  const isDueNow = planned.dueAt <= clock;
  const next = isDueNow ? dueAtOnce(planned, clock, schedule, spreadSeed(enrollmentId, after.key)) : planned;

  const what = `Version ${toVersionNumber} gives ${nameStep(after)} a delay of ${describeDelay(after.delay)} instead of ${describeDelay(before.delay)}`;
  const when = isDueNow ? "it is due now" : `it is due at ${next.dueAt.toISOString()}`;
  const message = `${what}: ${when}, planned for ${next.scheduledFor.toISOString()}.`;
  return {
    change: { kind: "retime", executionId: open.executionId, next, isPaused: isPaused(open), message },
    outcome: isDueNow ? "due_now" : compare(next.scheduledFor, open.scheduledFor),
  };
}

/** Due from this moment on, not from a past one: an edit makes nobody's email late. */
function dueAtOnce(planned: NextStep, clock: Date, schedule: Schedule, seed: string): NextStep {
  const plan = spreadFromNow({ schedule, zone: planned.timezone, now: clock, seed });
  const isHeld = plan.kind === "never";
  return { ...planned, dueAt: clock, scheduledFor: isHeld ? clock : plan.at, deferral: null, isHeld };
}

function compare(newAt: Date, oldAt: Date): PublishOutcome {
  if (newAt < oldAt) return "sooner";
  return newAt > oldAt ? "later" : "unchanged";
}

function moveOn(
  person: PersonInFlight,
  open: OpenStep,
  before: VersionStep | undefined,
  { from, to, toVersionNumber, sequenceStatus, schedule, pace, now }: PublishContext,
): FollowEffect {
  const { enrollmentId } = person;
  // A step that was deleted while it was at the mail server can still be open in a later version: it stood there.
  const standsAt = before?.stepNumber ?? person.currentStepNumber;
  const { passedOver, next } = planNextStep({
    steps: stepsStillToGet(from, to, standsAt, person.keysHad),
    afterStepNumber: 0, // they are already those that this person has still to get
    from: now,
    enrollmentId,
    schedule,
    zone: resolveZone(schedule, person.zones),
    pace,
  });
  const nextStep = next === null ? undefined : stepWithKey(to, next.stepKey);
  const goesOn = nextStep === undefined ? "nothing is left to get" : `${nameStep(nextStep)} comes next`;
  const name = before === undefined ? "The step" : `S${nameStep(before).slice(1)}`;
  return {
    enrollmentId,
    currentStepNumber: reachedStepNumber(from, to, standsAt),
    change: {
      kind: "move_on",
      executionId: open.executionId,
      passedOver,
      next,
      hold: holdOf(person, sequenceStatus, next),
      message: `${name} is not in version ${toVersionNumber}: ${goesOn}.`,
    },
    outcome: next === null ? "completed" : "moved_on",
  };
}

function holdOf(person: PersonInFlight, sequenceStatus: SequenceStatus, next: NextStep | null) {
  if (next === null) return null;
  if (person.status === "paused") return "enrollment_paused";
  if (sequenceStatus === "paused") return "sequence_paused";
  return next.isHeld ? "window_never_opens" : null;
}

function stepWithKey(steps: readonly VersionStep[], key: string): VersionStep | undefined {
  return steps.find((step) => step.key === key);
}
