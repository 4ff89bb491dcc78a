import { isoDate, localDay, MINUTE } from "./local-time.ts";
import type { Schedule } from "./schedule.ts";
import { seededFraction } from "./seeded-fraction.ts";
import { unreachable } from "./unreachable.ts";
import { wallClock } from "./wall-clock.ts";
import { closureOn, nextWindow, OPENING_HORIZON_DAYS, type SendingWindow } from "./window.ts";

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
  /**
   * Spreads what is due inside a window too, over this long from `dueAt` on. For many emails that become due at one
   * instant (a resumed sequence, the end of an outage): they must not all go out in that instant. Default 0.
   */
  overdueSpreadMinutes?: number;
}

export interface DeferralToDescribe {
  plan: Exclude<SendTimePlan, { kind: "open" }>;
  zone: string;
  dueAt: Date;
  schedule?: Schedule;
}

/**
 * Puts a due instant into the schedule. Due inside a window it stays as it is, or moves by a share of
 * `overdueSpreadMinutes`; otherwise it moves to the next opening plus a share of `spreadMinutes`. The seed decides the
 * share. Never before `dueAt`, never outside the window, and the same answer every time it is asked. Throws a RangeError
 * for a zone that is none, an invalid date, or a holiday calendar that does not exist.
 */
export function planSendTime({ schedule, zone, dueAt, seed, overdueSpreadMinutes = 0 }: SendTimeRequest): SendTimePlan {
  const window = nextWindow(schedule, zone, dueAt);
  if (window === null) return { kind: "never" };
  if (window.start > dueAt) return { kind: "deferred", at: spread(window, schedule.spreadMinutes, seed), window };
  if (overdueSpreadMinutes === 0) return { kind: "open", at: dueAt };
  return { kind: "open", at: spread({ start: dueAt, end: window.end }, overdueSpreadMinutes, seed) };
}

/**
 * The instants that a deferred email can get, whatever its seed: from the window's start, included, to the end of the
 * spread or of the window, excluded; without a spread both are the start.
 */
export function spreadBounds(schedule: Schedule, window: SendingWindow): { earliestAt: Date; latestAt: Date } {
  return {
    earliestAt: window.start,
    latestAt: new Date(window.start.getTime() + spreadOver(window, schedule.spreadMinutes)),
  };
}

function spread(window: SendingWindow, minutes: number, seed: string): Date {
  return new Date(window.start.getTime() + Math.floor(seededFraction(seed) * spreadOver(window, minutes)));
}

function spreadOver({ start, end }: SendingWindow, minutes: number): number {
  return Math.min(minutes * MINUTE, end.getTime() - start.getTime());
}

/**
 * Why an email does not go out now, in one sentence for operators, with local times of `zone`:
 * "outside the sending window: Sunday 21:14 in Asia/Bangkok; next opening Monday 2026-11-23 09:00, planned for 09:07".
 * With the schedule at hand it also names the closed dates, public holidays and special hours it had to wait for:
 * those of the due date and, up to three in all, of the dates until the opening.
 */
export function describeDeferral({ plan, zone, dueAt, schedule }: DeferralToDescribe): string {
  const due = wallClock(zone, dueAt);
  const day = localDay(zone, dueAt.getTime());
  const openingDay = plan.kind === "never" ? day + 1 : localDay(zone, plan.window.start.getTime());
  const closures = schedule === undefined ? "" : describeClosures(schedule, day, openingDay);
  const reason = `outside the sending window: ${due.weekday} ${due.time} in ${zone}${closures}`;
  if (plan.kind === "never") {
    return `${reason}; the schedule does not open within ${OPENING_HORIZON_DAYS} days of ${isoDate(day)}: give it a window`;
  }

  const opening = wallClock(zone, plan.window.start);
  const planned = wallClock(zone, plan.at);
  const plannedDay = planned.date === opening.date ? "" : `${planned.weekday} ${planned.date} `;
  return `${reason}; next opening ${opening.weekday} ${opening.date} ${opening.time}, planned for ${plannedDay}${planned.time}`;
}

const closuresNamed = 3;

/** For each date from `day` to before `openingDay` that is not as the week says, and for `day` itself: ", " and what it is. */
function describeClosures(schedule: Schedule, day: number, openingDay: number): string {
  const closures: string[] = [];
  for (let date = day; date === day || date < openingDay; date += 1) {
    const closure = describeClosure(schedule, date);
    if (closure === null) continue;
    if (closures.length === closuresNamed) return `${closures.join("")}, and more`;
    closures.push(`, ${isoDate(date)} ${closure}`);
  }
  return closures.join("");
}

/** What is special about a local date (days since 1970-01-01), for an operator: "is a public holiday (Christmas Day)"; null if nothing. */
export function describeClosure(schedule: Schedule, day: number): string | null {
  const closure = closureOn(schedule, day);
  if (closure === null) return null;
  switch (closure.kind) {
    case "special_hours":
      return "has special hours";
    case "closed_date":
      return "is a closed date";
    case "holiday": {
      const from = closure.closedFromMinute === 0 ? "" : ` from ${timeOfDay(closure.closedFromMinute)}`;
      return `is a public holiday${from} (${closure.name})`;
    }
    default:
      return unreachable(closure);
  }
}

function timeOfDay(minute: number): string {
  return new Date(minute * MINUTE).toISOString().slice(11, 16);
}
