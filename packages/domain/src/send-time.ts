import { DateTime } from "luxon";
import { isoDate, localDay, MINUTE } from "./local-time.ts";
import type { Schedule } from "./schedule.ts";
import { seededFraction } from "./seeded-fraction.ts";
import { nextWindow, OPENING_HORIZON_DAYS, type SendingWindow } from "./window.ts";

/**
 * When an email that is due may really go out.
 * `open`: at once. `deferred`: in the next window. `never`: no window opens within 400 days.
 */
export type SendTimePlan =
  | { kind: "open"; at: Date }
  | { kind: "deferred"; at: Date; window: SendingWindow }
  | { kind: "never" };

export interface SendTimeRequest {
  schedule: Schedule;
  /** IANA name, as `resolveZone` gives it. */
  zone: string;
  dueAt: Date;
  /** Names the email, for example by its execution's id: the same seed always gets the same place in the spread. */
  seed: string;
}

export interface DeferralToDescribe {
  plan: Exclude<SendTimePlan, { kind: "open" }>;
  zone: string;
  dueAt: Date;
  schedule?: Schedule;
}

/**
 * Puts a due instant into the schedule. Due inside a window it stays as it is; otherwise it moves to the next opening
 * plus a share of `spreadMinutes` that the seed decides. Never before `dueAt`, never outside the window, and the same
 * answer every time it is asked. Throws a RangeError for a zone that is none or an invalid date.
 */
export function planSendTime({ schedule, zone, dueAt, seed }: SendTimeRequest): SendTimePlan {
  const window = nextWindow(schedule, zone, dueAt);
  if (window === null) return { kind: "never" };
  if (window.start <= dueAt) return { kind: "open", at: dueAt };

  const opensAt = window.start.getTime();
  const spread = Math.min(schedule.spreadMinutes * MINUTE, window.end.getTime() - opensAt);
  return { kind: "deferred", at: new Date(opensAt + Math.floor(seededFraction(seed) * spread)), window };
}

/**
 * Why an email does not go out now, in one sentence for operators, with local times of `zone`:
 * "outside the sending window: Sunday 21:14 in Asia/Bangkok; next opening Monday 2026-11-23 09:00, planned for 09:07".
 * With the schedule at hand it also says when the due date is one of its closed dates.
 */
export function describeDeferral({ plan, zone, dueAt, schedule }: DeferralToDescribe): string {
  const due = wallClock(dueAt, zone);
  const day = isoDate(localDay(zone, dueAt.getTime()));
  const closed = schedule?.closedDates.includes(day) ? `, ${day} is a closed date` : "";
  const reason = `outside the sending window: ${due.toFormat("cccc HH:mm")} in ${zone}${closed}`;
  if (plan.kind === "never") {
    return `${reason}; the schedule does not open within ${OPENING_HORIZON_DAYS} days of ${day}: give it a window`;
  }

  const opening = wallClock(plan.window.start, zone);
  const planned = wallClock(plan.at, zone);
  const plannedFormat = planned.hasSame(opening, "day") ? "HH:mm" : "cccc yyyy-MM-dd HH:mm";
  return `${reason}; next opening ${opening.toFormat("cccc yyyy-MM-dd HH:mm")}, planned for ${planned.toFormat(plannedFormat)}`;
}

function wallClock(at: Date, zone: string): DateTime {
  return DateTime.fromJSDate(at, { zone }).setLocale("en");
}
