import { MINUTE } from "./local-time.ts";
import type { Schedule } from "./schedule.ts";
import { type ScheduleFault, scheduleFault } from "./schedule-fault.ts";
import { seededFraction } from "./seeded-fraction.ts";
import { planSendTime } from "./send-time.ts";
import { nextWindow } from "./window.ts";

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
 * and a long one does not end in a flood). A pause that took no time changes nothing at all.
 */
export function planResume(request: ResumeRequest): ResumePlan {
  const { now, schedule, zone, seed } = request;
  const pausedMilliseconds = Math.max(0, now.getTime() - request.heldAt.getTime());
  const afterPause = (at: Date) => new Date(at.getTime() + pausedMilliseconds);
  const clock = { countsFrom: afterPause(request.countsFrom), dueAt: afterPause(request.dueAt) };

  if (pausedMilliseconds === 0) return { kind: "scheduled", ...clock, scheduledFor: request.scheduledFor };
  const fault = scheduleFault(schedule, zone);
  if (fault !== null) return { kind: "held", ...clock, ...fault };

  const wantedAt = request.attemptCount > 0 ? afterPause(request.scheduledFor) : clock.dueAt;
  const scheduledFor =
    wantedAt > now
      ? intoWindow({ schedule, zone, dueAt: wantedAt, seed })
      : spreadOverdue({ schedule, zone, now, seed, spreadMillisecondsMax: pausedMilliseconds });
  if (scheduledFor === null) {
    const message = "The schedule has no window in the next 400 days.";
    return { kind: "held", ...clock, reason: "window_never_opens", message };
  }
  return { kind: "scheduled", ...clock, scheduledFor };
}

function intoWindow(request: Parameters<typeof planSendTime>[0]): Date | null {
  const plan = planSendTime(request);
  return plan.kind === "never" ? null : plan.at;
}

function spreadOverdue({
  schedule,
  zone,
  now,
  seed,
  spreadMillisecondsMax,
}: Pick<ResumeRequest, "schedule" | "zone" | "now" | "seed"> & {
  readonly spreadMillisecondsMax: number;
}): Date | null {
  const window = nextWindow(schedule, zone, now);
  if (window === null) return null;
  if (window.start > now) return intoWindow({ schedule, zone, dueAt: now, seed });
  const restOfWindow = window.end.getTime() - now.getTime();
  const spread = Math.min(schedule.spreadMinutes * MINUTE, restOfWindow, spreadMillisecondsMax);
  return new Date(now.getTime() + Math.floor(seededFraction(seed) * spread));
}
