import type { LiveEnrollment } from "@dripline/db/find-live-enrollments";
import type { ExecutionFacts } from "@dripline/db/load-facts";
import { decideSend } from "@dripline/domain/decide-send";
import type { Pace } from "@dripline/domain/delay";
import { zoneOf } from "@dripline/domain/gate";
import { planResume } from "@dripline/domain/plan-resume";
import { type PassedInPlan, type PlannedSend, planSequence } from "@dripline/domain/plan-sequence";
import { scheduleFault } from "@dripline/domain/schedule-fault";
import { describeDeferral, planSendTime } from "@dripline/domain/send-time";
import { spreadSeed } from "@dripline/domain/spread-seed";
import type { ExecutionStatus } from "@dripline/domain/statuses";

export interface OpenSend extends Omit<PlannedSend, "kind" | "countsFrom"> {
  readonly kind: "open";
  readonly status: ExecutionStatus;
  readonly stepName: string;
}

export interface Obstacle {
  readonly code: string;
  readonly message: string;
}

export interface StandingPlan {
  /** What keeps everything back now; after a pause or a release it goes as planned here. */
  readonly obstacle: Obstacle | null;
  readonly entries: readonly (OpenSend | PlannedSend | PassedInPlan)[];
}

type Open = NonNullable<LiveEnrollment["open"]>;
type Clock = { readonly now: Date; readonly pace: Pace };

/**
 * What somebody who is enrolled has still to get, from where they stand: the step that is open with the moment that its
 * row says, then what follows it. What has no timer (held, failed, in doubt) is planned as if it were let go at `now`,
 * and says so. Empty if nothing is sent any more.
 */
export function planStanding(facts: ExecutionFacts, open: Open, { now, pace }: Clock): StandingPlan {
  const { execution, enrollment, schedule } = facts;
  const asIs = decideSend(waiting(facts), execution.generation, later(now, execution.scheduledFor), pace);
  if (asIs.kind === "stop") return { obstacle: { code: asIs.reason, message: asIs.message }, entries: [] };
  const obstacle =
    obstacleOf(execution.status, open) ?? (asIs.kind === "hold" ? { code: asIs.reason, message: asIs.message } : null);

  const entries: (OpenSend | PlannedSend | PassedInPlan)[] = [];
  const expected = expectedEnd(facts, open, { now, pace });
  const from = expected.kind === "never" ? execution.scheduledFor : expected.at;
  if (expected.kind === "skip") {
    const { stepId, stepKey, stepNumber } = execution;
    entries.push({ kind: "passed_over", stepId, stepKey, stepNumber, passedAt: from });
  } else {
    entries.push(openSend(facts, open, { at: from, shifts: expected.shifts, isHeld: expected.kind === "never" }));
  }
  if (expected.kind === "never") return { obstacle, entries };

  const following = planSequence({
    steps: facts.laterSteps,
    afterStepNumber: 0, // they are already those that this person has still to get
    from,
    enrollmentId: enrollment.id,
    schedule,
    zone: zoneOf(facts),
    pace,
  });
  return { obstacle, entries: [...entries, ...following] };
}

type ExpectedEnd =
  | { readonly kind: "send"; readonly at: Date; readonly shifts: readonly string[] }
  | { readonly kind: "skip"; readonly at: Date }
  | { readonly kind: "never"; readonly shifts: readonly string[] };

/** When the open step is over if nobody does anything but let it go: asked of the decision that the worker makes. */
function expectedEnd(facts: ExecutionFacts, open: Open, { now, pace }: Clock): ExpectedEnd {
  const { execution, schedule } = facts;
  const fault = scheduleFault(schedule, zoneOf(facts).zone);
  if (fault !== null) return { kind: "never", shifts: [fault.message] };

  const { dueAt, at, shifts } = letGoAt(facts, open, now);
  if (at === null) return { kind: "never", shifts: [...shifts, "The schedule does not open."] };
  const released = unpaused({ ...facts, execution: { ...execution, dueAt, scheduledFor: at } });
  const decision = decideSend(released, execution.generation, at, pace);
  switch (decision.kind) {
    case "skip":
      return { kind: "skip", at };
    case "defer":
      return { kind: "send", at: decision.at, shifts: [...shifts, decision.message] };
    case "hold":
      return { kind: "never", shifts: [...shifts, decision.message] };
    default:
      return { kind: "send", at, shifts };
  }
}

interface LetGo {
  /** What it is late by counts from here. */
  readonly dueAt: Date;
  /** null: no window opens. */
  readonly at: Date | null;
  readonly shifts: readonly string[];
}

/** When its next try is, with the words for why that is not what its row says. */
function letGoAt(facts: ExecutionFacts, { holdReason, heldAt, errorMessage }: Open, now: Date): LetGo {
  const { execution, schedule } = facts;
  const { status, scheduledFor, dueAt } = execution;
  const zone = zoneOf(facts).zone;
  const seed = spreadSeed(facts.enrollment.id, execution.stepKey);
  const inWindow = planSendTime({ schedule, zone, dueAt: now, seed });
  const next = inWindow.kind === "never" ? null : inWindow.at;

  const asIf = "what is planned here is as if it were let go now";
  const because = errorMessage === null ? "" : ` (${errorMessage.replace(/\.$/, "")})`;
  switch (status) {
    case "scheduled":
      if (scheduledFor >= now) return { dueAt, at: scheduledFor, shifts: whyMoved(facts, errorMessage, zone, seed) };
      return { dueAt, at: next, shifts: [`It has been waiting since ${scheduledFor.toISOString()}.`] };
    case "sending":
      return { dueAt: now, at: now, shifts: ["It is being sent."] };
    case "pending": {
      const shifts = [`Held, ${holdReason}${because}: ${asIf}.`];
      const isPause = holdReason === "enrollment_paused" || holdReason === "sequence_paused";
      if (!isPause || heldAt === null) return { dueAt: now, at: next, shifts };
      const resumed = planResume({ ...execution, countsFrom: dueAt, heldAt, now, schedule, zone, seed });
      return { dueAt: resumed.dueAt, at: resumed.kind === "held" ? null : resumed.scheduledFor, shifts };
    }
    case "failed":
      return { dueAt: now, at: next, shifts: [`It failed${because}: ${asIf}.`] };
    default:
      return { dueAt: now, at: next, shifts: [`Whether it was sent is not known${because}: ${asIf}.`] };
  }
}

/** Why its row does not say what its delay led to. */
function whyMoved(
  { execution, schedule }: ExecutionFacts,
  errorMessage: string | null,
  zone: string,
  seed: string,
): string[] {
  const { dueAt, scheduledFor } = execution;
  if (scheduledFor.getTime() === dueAt.getTime()) return [];
  const plan = planSendTime({ schedule, zone, dueAt, seed });
  if (plan.kind === "deferred" && plan.at.getTime() === scheduledFor.getTime()) {
    return [describeDeferral({ plan, zone, dueAt, schedule })];
  }
  return [errorMessage ?? "It was moved after it was planned: the events of its execution say why."];
}

/** What has no timer waits for somebody, whatever else is in order. */
function obstacleOf(status: ExecutionStatus, { holdReason, errorMessage }: Open): Obstacle | null {
  if (status !== "pending" && status !== "failed" && status !== "in_doubt") return null;
  const code = status === "pending" ? (holdReason ?? status) : status;
  return { code, message: errorMessage ?? `The execution is ${status}.` };
}

/** The decision is about executions that wait; a plan asks what it will be once this one does. */
function waiting(facts: ExecutionFacts): ExecutionFacts {
  return { ...facts, execution: { ...facts.execution, status: "scheduled" } };
}

function unpaused(facts: ExecutionFacts): ExecutionFacts {
  return {
    ...waiting(facts),
    sequence: { ...facts.sequence, status: "active" },
    enrollment: { ...facts.enrollment, status: "active" },
  };
}

function openSend(
  facts: ExecutionFacts,
  { stepName }: Open,
  { at, shifts, isHeld }: { readonly at: Date; readonly shifts: readonly string[]; readonly isHeld: boolean },
): OpenSend {
  const { stepId, stepKey, stepNumber, dueAt, scheduledFor, status } = facts.execution;
  const { zone, source } = zoneOf(facts);
  const base = { stepId, stepKey, stepNumber, stepName, status, dueAt, scheduledFor, isHeld };
  return { kind: "open", ...base, earliestAt: at, latestAt: at, timezone: zone, timezoneSource: source, shifts };
}

function later(a: Date, b: Date): Date {
  return a > b ? a : b;
}
