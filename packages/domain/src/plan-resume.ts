import { MINUTE } from "./local-time.ts";
import type { Schedule } from "./schedule.ts";
import { type ScheduleFault, scheduleFault } from "./schedule-fault.ts";
import { planSendTime } from "./send-time.ts";

export interface ResumeRequest {
  readonly countsFrom: Date;
  readonly dueAt: Date;
  readonly scheduledFor: Date;
  /** With an attempt behind it, `scheduledFor` is the moment of the retry. */
  readonly attemptCount: number;
  /** When its clock stopped. */
  readonly heldAt: Date;
  /** When its clock goes on. */
  readonly now: Date;
  readonly schedule: Schedule;
  /** IANA name, as `resolveZone` gives it. */
  readonly zone: string;
  /** As for `planSendTime`: the same email always gets the same place in a spread. */
  readonly seed: string;
}

interface MovedClock {
  readonly countsFrom: Date;
  readonly dueAt: Date;
  /** It was due already when the pause ended: part of a backlog, of which one person gets one email at a time. */
  readonly catchesUp: boolean;
}

/** `held`: no window opens, so the email goes on waiting without a timer, for that reason. */
export type ResumePlan =
  | (MovedClock & { readonly kind: "scheduled"; readonly scheduledFor: Date })
  | (MovedClock & {
      readonly kind: "held";
      readonly reason: "window_never_opens" | ScheduleFault["reason"];
      readonly message: string;
    });

/**
 * When an email goes out whose clock stood still for a pause. What was left to wait at `heldAt` is left to wait at
 * `now`: base, due time and retry time move by the time in between, then into a window. Whatever was due already goes
 * out in the first open window, spread again (over the time of the pause at most, so that a short pause changes little
 * and a long one does not end in a flood), and catches up. A pause that took no time changes nothing at all.
 */
export function planResume(request: ResumeRequest): ResumePlan {
  const { now, schedule, zone, seed } = request;
  const pausedMilliseconds = Math.max(0, now.getTime() - request.heldAt.getTime());
  const afterPause = (at: Date) => new Date(at.getTime() + pausedMilliseconds);
  const dueAt = afterPause(request.dueAt);
  const clock = {
    countsFrom: afterPause(request.countsFrom),
    dueAt,
    catchesUp: pausedMilliseconds > 0 && dueAt <= now,
  };

  if (pausedMilliseconds === 0) return { kind: "scheduled", ...clock, scheduledFor: request.scheduledFor };
  const fault = scheduleFault(schedule, zone);
  if (fault !== null) return { kind: "held", ...clock, ...fault };

  const wantedAt = request.attemptCount > 0 ? afterPause(request.scheduledFor) : clock.dueAt;
  const isWaiting = wantedAt > now;
  const plan = planSendTime({
    schedule,
    zone,
    seed,
    dueAt: isWaiting ? wantedAt : now,
    overdueSpreadMinutes: isWaiting ? 0 : Math.min(schedule.spreadMinutes, pausedMilliseconds / MINUTE),
  });
  if (plan.kind === "never") {
    const message = "The schedule has no window in the next 400 days.";
    return { kind: "held", ...clock, reason: "window_never_opens", message };
  }
  // What the spread adds is no lateness: without it the email would go out now.
  const spreadMilliseconds =
    clock.catchesUp && !isWaiting && plan.kind === "open" ? plan.at.getTime() - now.getTime() : 0;
  return {
    kind: "scheduled",
    ...clock,
    dueAt: new Date(dueAt.getTime() + spreadMilliseconds),
    scheduledFor: plan.at,
  };
}
