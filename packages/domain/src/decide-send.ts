import { calendarGates } from "./calendar-gates.ts";
import { type Pace, REAL_PACE } from "./delay.ts";
import type { Elapsed } from "./elapsed.ts";
import { type Gate, zoneOf } from "./gate.ts";
import { plainGates } from "./gates.ts";
import { isOverdue } from "./lateness.ts";
import type { Schedule } from "./schedule.ts";
import type { EnrollmentStatus, ExecutionStatus, LatePolicy, SequenceStatus } from "./statuses.ts";
import type { ResolvedZone } from "./time-zone.ts";
import { nextWindow } from "./window.ts";

/** What has to be known to decide about one execution; read in one statement, right before the decision. */
export interface SendFacts {
  readonly execution: {
    readonly id: string;
    readonly status: ExecutionStatus;
    readonly generation: number;
    readonly dueAt: Date;
    readonly scheduledFor: Date;
    readonly stepNumber: number;
    readonly stepKey: string;
    readonly attemptCount: number;
    /** It was due already when a pause was over. Its due time has moved with the pause, so it does not look late. */
    readonly catchesUp: boolean;
    /** An email in doubt that is sent again: its enrollment went on from here before, perhaps to its end. */
    readonly hasAdvanced?: boolean;
  };
  readonly step: {
    readonly isActive: boolean;
    /**
     * The enrollment's version does not have it: the version was published while the email was at the mail server, which
     * then asked to try again later. (Whoever waited at a deleted step moved on with the publish.)
     */
    readonly isDeleted?: boolean;
    readonly maxLateness: Elapsed | null;
    readonly latePolicy: LatePolicy;
  };
  readonly enrollment: { readonly id: string; readonly status: EnrollmentStatus };
  readonly sequence: { readonly status: SequenceStatus };
  readonly schedule: Schedule;
  readonly contact: {
    readonly timezone: string | null;
    readonly optedOutAt: Date | null;
    readonly isSuppressed: boolean;
  };
  readonly company: { readonly timezone: string | null } | null;
}

export type HoldReason =
  | "sequence_paused"
  | "enrollment_paused"
  | "window_never_opens"
  | "unknown_time_zone"
  | "unknown_holiday_calendar"
  | "too_late";

export type StopReason = "enrollment_ended" | "sequence_archived" | "contact_opted_out" | "address_suppressed";

export type SkipReason = "step_inactive" | "step_deleted" | "too_late";

export type DeferReason =
  | "outside_window"
  | "send_rate"
  | "sequence_daily_limit"
  | "sender_daily_limit"
  | "contact_gap"
  | "one_overdue_at_a_time"
  | BackoffDeferReason;

/** The mail server, or the recipient's domain, is slowed down, and it is another email's turn. */
export type BackoffDeferReason = "transport_backoff" | "domain_backoff";

export type NotNow =
  /** The wake-up came before its time: come back at `at`, write nothing. */
  | { readonly kind: "early"; readonly at: Date }
  /** Nothing of this sequence is to reach this contact any more. */
  | { readonly kind: "stop"; readonly reason: StopReason; readonly message: string }
  /** Not now, and nobody knows when: keep the row without a timer. */
  | { readonly kind: "hold"; readonly reason: HoldReason; readonly message: string }
  /** Pass over this step and go on with the next. */
  | { readonly kind: "skip"; readonly reason: SkipReason; readonly message: string }
  /** Outside the window, over a limit, or slowed down: the same row, at a later time. */
  | { readonly kind: "defer"; readonly at: Date; readonly reason: DeferReason; readonly message: string };

export type SendDecision =
  | NotNow
  /** Another wake-up took over, or the execution is over: do nothing. */
  | { readonly kind: "stale"; readonly reason: string }
  | {
      readonly kind: "deliver";
      readonly zone: ResolvedZone;
      /** When the window that is open now closes. */
      readonly openUntil: Date;
      /** Part of a backlog: this person gets it only if no other overdue email is on its way to them. */
      readonly isOverdue: boolean;
    };

/**
 * Whether the email of this execution may go out now, and if not, what happens instead and why. `now` is the database's
 * clock, which is also the one that the claim compares with. Limits (emails a second, a day, per contact) and whether
 * anything is slowed down are not asked here: taking a place is a write.
 */
export function decideSend(facts: SendFacts, generation: number, now: Date, pace: Pace = REAL_PACE): SendDecision {
  const { execution } = facts;
  if (execution.status !== "scheduled") return { kind: "stale", reason: `the execution is ${execution.status}` };
  if (execution.generation !== generation) {
    return { kind: "stale", reason: `generation ${generation} is over, ${execution.generation} is current` };
  }
  const obstacle = firstObstacle(plainGates(facts, now)) ?? firstObstacle(calendarGates(facts, now, pace));
  if (obstacle !== undefined) return obstacle;
  const zone = zoneOf(facts);
  const window = nextWindow(facts.schedule, zone.zone, now);
  if (window === null) throw new Error("the window gate let an email through without a window");
  return { kind: "deliver", zone, openUntil: window.end, isOverdue: isOverdue(facts, now, pace) };
}

/** The end of an enrollment goes before a wait: somebody who opted out is not kept waiting for a resume. */
export function firstObstacle(gates: readonly Gate[]): NotNow | undefined {
  const obstacles = gates.flatMap((gate) => (gate.decision === null ? [] : [gate.decision]));
  return obstacles.find((decision) => decision.kind === "stop") ?? obstacles[0];
}
