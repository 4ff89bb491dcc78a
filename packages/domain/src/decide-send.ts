import type { Schedule } from "./schedule.ts";
import { describeDeferral, planSendTime } from "./send-time.ts";
import type { EnrollmentStatus, ExecutionStatus, SequenceStatus } from "./statuses.ts";
import { isTimeZone, resolveZone } from "./time-zone.ts";

/** What has to be known to decide about one execution; read in one statement, right before the decision. */
export interface SendFacts {
  readonly execution: {
    readonly id: string;
    readonly status: ExecutionStatus;
    readonly generation: number;
    readonly scheduledFor: Date;
    readonly stepNumber: number;
  };
  readonly step: { readonly isActive: boolean };
  readonly enrollment: { readonly id: string; readonly status: EnrollmentStatus };
  readonly sequence: { readonly status: SequenceStatus };
  readonly schedule: Schedule;
  readonly contact: {
    readonly timezone: string | null;
    readonly optedOutAt: Date | null;
    readonly isSuppressed: boolean;
  };
}

export type HoldReason = "sequence_paused" | "enrollment_paused" | "window_never_opens" | "unknown_time_zone";

export type StopReason = "enrollment_ended" | "sequence_archived" | "contact_opted_out" | "address_suppressed";

export type SendDecision =
  /** Another wake-up took over, or the execution is over: do nothing. */
  | { readonly kind: "stale"; readonly reason: string }
  /** The wake-up came before its time: come back at `at`, write nothing. */
  | { readonly kind: "early"; readonly at: Date }
  /** Nothing of this sequence is to reach this contact any more. */
  | { readonly kind: "stop"; readonly reason: StopReason; readonly message: string }
  /** Not now, and nobody knows when: keep the row without a timer. */
  | { readonly kind: "hold"; readonly reason: HoldReason; readonly message: string }
  /** Pass over this step and go on with the next. */
  | { readonly kind: "skip"; readonly reason: "step_inactive"; readonly message: string }
  /** Outside the window: the same row, at a later time. */
  | { readonly kind: "defer"; readonly at: Date; readonly reason: "outside_window"; readonly message: string }
  | { readonly kind: "deliver" };

/** The seed of everything that is spread for one execution: stable over retries, rescues and replans. */
export function spreadSeed(enrollmentId: string, stepNumber: number): string {
  return `${enrollmentId}:${stepNumber}`;
}

/**
 * Whether the email of this execution may go out now, and if not, what happens instead and why. The guards stand in the
 * order in which an operator would ask. `now` is the database's clock, which is also the one that the claim compares with.
 */
export function decideSend(facts: SendFacts, generation: number, now: Date): SendDecision {
  const { execution, enrollment, sequence, contact, schedule } = facts;

  if (execution.status !== "scheduled") return { kind: "stale", reason: `the execution is ${execution.status}` };
  if (execution.generation !== generation) {
    return { kind: "stale", reason: `generation ${generation} is over, ${execution.generation} is current` };
  }

  if (enrollment.status !== "active" && enrollment.status !== "paused") {
    return { kind: "stop", reason: "enrollment_ended", message: `The enrollment is ${enrollment.status}.` };
  }
  if (sequence.status === "archived") {
    return { kind: "stop", reason: "sequence_archived", message: "The sequence is archived: nothing further is sent." };
  }
  if (contact.optedOutAt !== null) {
    const day = contact.optedOutAt.toISOString();
    return { kind: "stop", reason: "contact_opted_out", message: `The contact opted out at ${day}.` };
  }
  if (contact.isSuppressed) {
    return { kind: "stop", reason: "address_suppressed", message: "The contact's address is on the suppression list." };
  }

  if (enrollment.status === "paused") {
    return { kind: "hold", reason: "enrollment_paused", message: "The enrollment is paused." };
  }
  if (sequence.status === "paused") {
    return { kind: "hold", reason: "sequence_paused", message: "The sequence is paused." };
  }
  if (!facts.step.isActive) {
    return { kind: "skip", reason: "step_inactive", message: `Step ${execution.stepNumber} is inactive.` };
  }

  if (execution.scheduledFor > now) return { kind: "early", at: execution.scheduledFor };

  if (!isTimeZone(schedule.timezone)) {
    const message = `The schedule's time zone "${schedule.timezone}" is not known to this machine.`;
    return { kind: "hold", reason: "unknown_time_zone", message };
  }
  const { zone } = resolveZone(schedule, contact.timezone);
  const plan = planSendTime({ schedule, zone, dueAt: now, seed: spreadSeed(enrollment.id, execution.stepNumber) });
  if (plan.kind === "never") {
    return { kind: "hold", reason: "window_never_opens", message: "The schedule has no window in the next 400 days." };
  }
  if (plan.kind === "deferred") {
    return {
      kind: "defer",
      at: plan.at,
      reason: "outside_window",
      message: describeDeferral({ plan, zone, dueAt: now, schedule }),
    };
  }
  return { kind: "deliver" };
}
