import type { Pace } from "./delay.ts";
import { describeDelay } from "./describe-delay.ts";
import { isSameLength, nameStep, type VersionStep } from "./diff-versions.ts";
import { type NextStep, type PassedStep, planNextStep, planStep } from "./next-step.ts";
import type { Schedule } from "./schedule.ts";
import { scheduleFault } from "./schedule-fault.ts";
import { spreadFromNow } from "./spread-from-now.ts";
import { spreadSeed } from "./spread-seed.ts";
import type { SequenceStatus } from "./statuses.ts";
import { placeIn, reachedStepNumber, stepsStillToGet, stepWithKey } from "./still-to-get.ts";
import { type PeopleZones, resolveZone } from "./time-zone.ts";

/** A live enrollment that a publish takes to the new version. */
export interface PersonInFlight {
  readonly enrollmentId: string;
  readonly status: "active" | "paused";
  readonly versionId: string;
  readonly currentStepNumber: number;
  /**
   * The number, in their version, of the step they are at or were at last, or of the nearest one before it that this
   * version has; 0 if there is none.
   */
  readonly reachedStepNumber: number;
  readonly zones: PeopleZones;
  /** The step they are at; null if there is none, or if its outcome is in doubt. */
  readonly open: OpenStep | null;
  /** Keys of all steps that they have an execution of, the open one included. */
  readonly keysHad: readonly string[];
  /** Keys of the steps of their version that they have still to get, the open one not included. */
  readonly keysToGet: readonly string[];
  /** What earlier publishes left owed to them: steps that were put before where they stand. */
  readonly owedStepKeys: readonly string[];
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
  readonly dueAt: Date;
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
export type PublishOutcome = "later" | "sooner" | "due_now" | "moved_on" | "completed" | "held" | "unchanged";

export interface FollowEffect {
  readonly enrollmentId: string;
  /** The number, in the new version, of the last step that is behind this person; 0 if none is. */
  readonly currentStepNumber: number;
  /** The steps of the new version that stand before (or at) where this person goes on, and that they had still to get. */
  readonly owedStepKeys: readonly string[];
  /** Everything in the new version that they have still to get now, but for what stays open. */
  readonly keysToGet: readonly string[];
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
 *
 * No order of the steps takes from anybody what they had still to get: what stands before them in the new version is
 * owed to them. What is new there is not.
 */
export function planFollow(person: PersonInFlight, context: PublishContext): FollowEffect {
  const { open } = person;
  const { from, to } = context;
  const [before, after] = open === null ? [] : [stepWithKey(from, open.stepKey), stepWithKey(to, open.stepKey)];
  const lastBehind = reachedStepNumber(from, to, person.currentStepNumber);
  const place = placeIn(from, to, {
    stepNumber: before?.stepNumber ?? person.reachedStepNumber,
    isOwed: open !== null && person.owedStepKeys.includes(open.stepKey),
    currentStepNumber: lastBehind,
  });
  // Whose step is of an older version than theirs is placed from there when it ends; that is not known here.
  const owedStepKeys = owedAt(before === undefined ? Number.POSITIVE_INFINITY : place, to, person);
  const toGet = stepsStillToGet(to, place, person.keysHad, owedStepKeys);
  const keep: FollowEffect = {
    enrollmentId: person.enrollmentId,
    // A step that is gone is behind them where it stood, also while it is at the mail server.
    currentStepNumber: open !== null && after === undefined ? place : lastBehind,
    owedStepKeys,
    keysToGet: toGet.map((step) => step.key),
    change: { kind: "keep" },
    outcome: "unchanged",
  };
  if (open === null || open.status === "sending") return keep;
  if (after === undefined) {
    return { ...keep, ...moveOn(person, open, { before, toGet }, context) };
  }
  if (waitsForSomebody(open)) return { ...keep, outcome: "held" };

  const retimed =
    before !== undefined && !isSameLength(before.delay, after.delay) && waitsForItsTime(open)
      ? retime(person, open, { before, after }, context)
      : undefined;
  if (after.isActive) return { ...keep, ...retimed };
  // Skipped when its time comes, by whoever looks at it then.
  return { ...keep, ...retimed, outcome: toGet.some((step) => step.isActive) ? "moved_on" : "completed" };
}

/** What stands in `to` up to this place of what they had still to get. A step that is open stays known as an owed one. */
function owedAt(place: number, to: readonly VersionStep[], person: PersonInFlight): string[] {
  const { open, keysToGet, keysHad, owedStepKeys } = person;
  const standsAt = owedStepKeys.filter((key) => (open === null ? keysHad.includes(key) : key === open.stepKey));
  const before = to.filter(({ key, stepNumber }) => stepNumber <= place && keysToGet.includes(key));
  return [...new Set([...standsAt, ...before.map((step) => step.key)])];
}

/** A failed step, one that waits for an operator and one between two attempts do not wait for their delay. */
function waitsForItsTime(open: OpenStep): boolean {
  return open.attemptCount === 0 && (open.status === "scheduled" || isPaused(open));
}

/** Failed, or held for another reason than a pause: nothing happens until somebody retries, whatever is published. */
function waitsForSomebody(open: OpenStep): boolean {
  return open.status === "failed" || (open.status === "pending" && !isPaused(open));
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
  // Due the moment it began to wait, in spite of a delay: an operator let it be tried at once, and no edit undoes that.
  if (before.delay.value > 0 && open.dueAt <= open.countsFrom) return undefined;
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

/** Due at the moment it gets, not at a past one: neither an edit nor the spread after it makes anybody's email late. */
function dueAtOnce(planned: NextStep, clock: Date, schedule: Schedule, seed: string): NextStep {
  const plan = spreadFromNow({ schedule, zone: planned.timezone, now: clock, seed });
  const isHeld = plan.kind === "never";
  const dueAt = plan.kind === "open" ? plan.at : clock;
  return { ...planned, dueAt, scheduledFor: isHeld ? clock : plan.at, deferral: null, isHeld };
}

function compare(newAt: Date, oldAt: Date): PublishOutcome {
  if (newAt < oldAt) return "sooner";
  return newAt > oldAt ? "later" : "unchanged";
}

function moveOn(
  person: PersonInFlight,
  open: OpenStep,
  { before, toGet }: { readonly before: VersionStep | undefined; readonly toGet: readonly VersionStep[] },
  { to, toVersionNumber, sequenceStatus, schedule, pace, now }: PublishContext,
): Pick<FollowEffect, "change" | "outcome"> {
  const { passedOver, next } = planNextStep({
    steps: toGet,
    afterStepNumber: 0, // they are already those that this person has still to get
    from: now,
    enrollmentId: person.enrollmentId,
    schedule,
    zone: resolveZone(schedule, person.zones),
    pace,
  });
  const nextStep = next === null ? undefined : stepWithKey(to, next.stepKey);
  const goesOn = nextStep === undefined ? "nothing is left to get" : `${nameStep(nextStep)} comes next`;
  const name = before === undefined ? "The step" : `S${nameStep(before).slice(1)}`;
  return {
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
