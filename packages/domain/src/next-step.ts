import { addDelay, type Delay, type Pace } from "./delay.ts";
import type { Schedule } from "./schedule.ts";
import { scheduleFault } from "./schedule-fault.ts";
import { describeDeferral, planSendTime } from "./send-time.ts";
import { spreadSeed } from "./spread-seed.ts";
import type { ResolvedZone, ZoneSource } from "./time-zone.ts";

/** A step of a version, as far as planning needs it. */
export interface PlannedStep {
  readonly id: string;
  /** The same in every version that has this step. */
  readonly key: string;
  readonly stepNumber: number;
  readonly delay: Delay;
  readonly isActive: boolean;
}

export interface PlanNextStepInput {
  /** The steps of the enrollment's version, in any order. */
  readonly steps: readonly PlannedStep[];
  /** The step that is over (0 = just enrolled). */
  readonly afterStepNumber: number;
  /** The moment it was over: the actual send, the skip, or the enrollment. The next delay counts from here. */
  readonly from: Date;
  readonly enrollmentId: string;
  readonly schedule: Schedule;
  readonly zone: ResolvedZone;
  readonly pace: Pace;
}

export interface NextStep {
  readonly stepId: string;
  readonly stepKey: string;
  readonly stepNumber: number;
  /** Where its delay counts from. */
  readonly countsFrom: Date;
  /** `countsFrom` + delay. */
  readonly dueAt: Date;
  /** `dueAt`, or a moment in the next open window. */
  readonly scheduledFor: Date;
  readonly timezone: string;
  readonly timezoneSource: ZoneSource;
  /** A sentence when the window moved it. */
  readonly deferral: string | null;
  /** The schedule never opens: the row is kept without a timer. */
  readonly isHeld: boolean;
}

export interface PassedStep {
  readonly stepId: string;
  readonly stepKey: string;
  readonly stepNumber: number;
}

export interface NextStepPlan {
  /** Inactive steps on the way, in order: each is recorded as skipped. */
  readonly passedOver: readonly PassedStep[];
  /** null: there is none, so the enrollment is complete. */
  readonly next: NextStep | null;
}

/**
 * What comes after a step, and when. Inactive steps are passed over at once; their own delay does not count, the next
 * active step's delay counts from `from`, the moment of the skip.
 */
export function planNextStep(input: PlanNextStepInput): NextStepPlan {
  const later = input.steps
    .filter((step) => step.stepNumber > input.afterStepNumber)
    .toSorted((a, b) => a.stepNumber - b.stepNumber);
  const index = later.findIndex((step) => step.isActive);
  const passedOver = (index === -1 ? later : later.slice(0, index)).map((step) => ({
    stepId: step.id,
    stepKey: step.key,
    stepNumber: step.stepNumber,
  }));
  const step = index === -1 ? undefined : later[index];
  return { passedOver, next: step === undefined ? null : planStep(step, input) };
}

/** When this step is due if its delay counts from `from`, and the moment in a window that follows from it. */
export function planStep(
  step: PlannedStep,
  { from, schedule, zone: { zone, source }, pace, enrollmentId }: Omit<PlanNextStepInput, "steps" | "afterStepNumber">,
): NextStep {
  const base = {
    stepId: step.id,
    stepKey: step.key,
    stepNumber: step.stepNumber,
    countsFrom: from,
    timezone: zone,
    timezoneSource: source,
  };
  // A zone or calendar that is not known here must not keep the end of the step before from being recorded.
  if (scheduleFault(schedule, zone) !== null)
    return { ...base, dueAt: from, scheduledFor: from, deferral: null, isHeld: true };
  const dueAt = addDelay(from, step.delay, { schedule, zone, pace });
  const plan = planSendTime({ schedule, zone, dueAt, seed: spreadSeed(enrollmentId, step.key) });
  return {
    ...base,
    dueAt,
    scheduledFor: plan.kind === "never" ? dueAt : plan.at,
    deferral: plan.kind === "deferred" ? describeDeferral({ plan, zone, dueAt, schedule }) : null,
    isHeld: plan.kind === "never",
  };
}
