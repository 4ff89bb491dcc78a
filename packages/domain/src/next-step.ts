import { spreadSeed } from "./decide-send.ts";
import { addDelay, type Delay, type Pace } from "./delay.ts";
import type { Schedule } from "./schedule.ts";
import { describeDeferral, planSendTime } from "./send-time.ts";
import { isTimeZone } from "./time-zone.ts";

/** A step of a version, as far as planning needs it. */
export interface PlannedStep {
  readonly id: string;
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
  readonly zone: string;
  readonly pace: Pace;
}

export interface NextStep {
  readonly stepId: string;
  readonly stepNumber: number;
  /** `from` + delay. */
  readonly dueAt: Date;
  /** `dueAt`, or a moment in the next open window. */
  readonly scheduledFor: Date;
  /** A sentence when the window moved it. */
  readonly deferral: string | null;
  /** The schedule never opens: the row is kept without a timer. */
  readonly isHeld: boolean;
}

export interface NextStepPlan {
  /** Inactive steps on the way, in order: each is recorded as skipped. */
  readonly passedOver: readonly { readonly stepId: string; readonly stepNumber: number }[];
  /** null: there is none, so the enrollment is complete. */
  readonly next: NextStep | null;
}

/**
 * What comes after a step, and when. Inactive steps are passed over at once; their own delay does not count, the next
 * active step's delay counts from `from`.
 */
export function planNextStep(input: PlanNextStepInput): NextStepPlan {
  const later = input.steps
    .filter((step) => step.stepNumber > input.afterStepNumber)
    .toSorted((a, b) => a.stepNumber - b.stepNumber);
  const index = later.findIndex((step) => step.isActive);
  const passedOver = (index === -1 ? later : later.slice(0, index)).map((step) => ({
    stepId: step.id,
    stepNumber: step.stepNumber,
  }));
  const step = index === -1 ? undefined : later[index];
  if (step === undefined) return { passedOver, next: null };

  const { schedule, zone } = input;
  if (!isTimeZone(zone)) return { passedOver, next: heldStep(step, input.from) };
  const dueAt = addDelay(input.from, step.delay, { schedule, zone, pace: input.pace });
  const seed = spreadSeed(input.enrollmentId, step.stepNumber);
  const plan = planSendTime({ schedule, zone, dueAt, seed });
  return {
    passedOver,
    next: {
      stepId: step.id,
      stepNumber: step.stepNumber,
      dueAt,
      scheduledFor: plan.kind === "never" ? dueAt : plan.at,
      deferral: plan.kind === "deferred" ? describeDeferral({ plan, zone, dueAt, schedule }) : null,
      isHeld: plan.kind === "never",
    },
  };
}

/** A zone that this machine does not know must not keep the end of the step before from being recorded. */
function heldStep(step: PlannedStep, from: Date): NextStep {
  const { id: stepId, stepNumber } = step;
  return { stepId, stepNumber, dueAt: from, scheduledFor: from, deferral: null, isHeld: true };
}
