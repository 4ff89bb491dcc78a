import { DateTime } from "luxon";
import type { NotNow, SendFacts } from "./decide-send.ts";
import type { Pace } from "./delay.ts";
import { DAY, firstInstant, isoDate, localDay, MINUTE } from "./local-time.ts";
import type { Schedule } from "./schedule.ts";
import { planSendTime } from "./send-time.ts";
import { spreadFromNow } from "./spread-from-now.ts";
import { spreadSeed } from "./spread-seed.ts";
import type { ResolvedZone } from "./time-zone.ts";
import { hasWindowOn, OPENING_HORIZON_DAYS } from "./window.ts";

/** The limits of a whole installation. A sequence's own limit of emails a day stands with the sequence. */
export interface SendLimits {
  /** Emails a second, of all workers together; may be a fraction. Null: no limit. */
  readonly perSecondMax: number | null;
  /** Emails of one sender on one local date. Null: no limit. */
  readonly senderPerDayMax: number | null;
  /** Between any two emails to one contact, across sequences. 0: none. */
  readonly contactGapMinutes: number;
  /** Between two overdue emails to one contact. 0: none. */
  readonly overdueGapMinutes: number;
}

export const NO_LIMITS: SendLimits = Object.freeze({
  perSecondMax: null,
  senderPerDayMax: null,
  contactGapMinutes: 0,
  overdueGapMinutes: 0,
});

/** What one email has to keep to. */
export interface EmailLimits {
  /** The date in the schedule's own zone on which it counts, "YYYY-MM-DD". */
  readonly day: string;
  readonly sequencePerDayMax: number | null;
  readonly senderPerDayMax: number | null;
  readonly gap: { readonly milliseconds: number; readonly reason: GapReason } | null;
  readonly perSecondMax: number | null;
}

export type GapReason = "contact_gap" | "one_overdue_at_a_time";

export interface DayCount {
  readonly used: number;
  readonly max: number;
  readonly day: string;
}

/** What the limits say about one email now, read without taking a place. Null: no such limit applies to it. */
export interface ThrottleState {
  readonly sequenceDay: DayCount | null;
  readonly senderDay: DayCount | null;
  readonly contactGapUntil: Date | null;
  readonly rate: { readonly perSecond: number; readonly nextAt: Date } | null;
}

/** The limit that one email came upon. */
export type OverLimit =
  | { readonly reason: GapReason; readonly until: Date }
  | {
      readonly reason: "sequence_daily_limit" | "sender_daily_limit";
      readonly max: number;
      /** The date that is full, and the one to come back on; both in the schedule's zone. */
      readonly day: string;
      readonly nextDay: string;
    }
  | { readonly reason: "send_rate"; readonly perSecond: number; readonly nextAt: Date };

/** A slot this near is waited for in place; one that is further away is worth a deferral. */
export const RATE_WAIT_MAX_MILLISECONDS = 1_000;

/**
 * Which limits one email has to keep to at `now`. Dates count in the schedule's own zone, whoever the contact is, so
 * that a limit means the same for all of a sequence's emails. Gaps shrink with the pace; dates do not.
 */
export function limitsOfEmail(
  facts: { readonly schedule: Schedule; readonly sequence: { readonly sendsPerDayMax: number | null } },
  { isOverdue }: { readonly isOverdue: boolean },
  limits: SendLimits,
  now: Date,
  pace: Pace,
): EmailLimits {
  const overdueMinutes = isOverdue ? limits.overdueGapMinutes : 0;
  const minutes = Math.max(limits.contactGapMinutes, overdueMinutes);
  const milliseconds = Math.round((minutes * MINUTE * pace.dayMilliseconds) / DAY);
  const reason = overdueMinutes > limits.contactGapMinutes ? "one_overdue_at_a_time" : "contact_gap";
  return {
    day: isoDate(localDay(facts.schedule.timezone, now.getTime())),
    sequencePerDayMax: facts.sequence.sendsPerDayMax,
    senderPerDayMax: limits.senderPerDayMax,
    gap: milliseconds > 0 ? { milliseconds, reason } : null,
    perSecondMax: limits.perSecondMax,
  };
}

/** The first limit that would keep the email back at `now`, in the order in which places are taken; null if none. */
export function limitReached(
  state: ThrottleState,
  limits: EmailLimits,
  schedule: Schedule,
  now: Date,
): OverLimit | null {
  const { sequenceDay, senderDay, contactGapUntil, rate } = state;
  if (limits.gap !== null && contactGapUntil !== null && contactGapUntil > now) {
    return { reason: limits.gap.reason, until: contactGapUntil };
  }
  const days = [
    { reason: "sequence_daily_limit", count: sequenceDay },
    { reason: "sender_daily_limit", count: senderDay },
  ] as const;
  for (const { reason, count } of days) {
    if (count === null || count.used < count.max) continue;
    return { reason, max: count.max, day: count.day, nextDay: followingDays(schedule, count.day, 1)[0] ?? count.day };
  }
  if (rate !== null && rate.nextAt.getTime() - now.getTime() > RATE_WAIT_MAX_MILLISECONDS) {
    return { reason: "send_rate", ...rate };
  }
  return null;
}

/**
 * The next `count` dates after `day` on which the schedule opens in its own zone. Looked for as far ahead as openings
 * are, so there may be fewer, but never none: if the schedule stays shut, just the next date.
 */
export function followingDays(schedule: Schedule, day: string, count: number): string[] {
  const today = Date.parse(day) / DAY;
  const days: string[] = [];
  for (let next = today + 1; next <= today + OPENING_HORIZON_DAYS && days.length < count; next += 1) {
    if (hasWindowOn(schedule, schedule.timezone, next)) days.push(isoDate(next));
  }
  return days.length > 0 ? days : [isoDate(today + 1)];
}

/**
 * What happens instead of an email that is over a limit: it is put off to a moment inside a window, never dropped. Those
 * who wait for another date are spread from its start or from that date's opening on, as after any opening.
 */
export function deferOverLimit(
  facts: SendFacts,
  { zone }: ResolvedZone,
  over: OverLimit,
  now: Date,
): Extract<NotNow, { kind: "defer" | "hold" }> {
  const at = momentFor(facts, zone, over, now);
  if (at === null) {
    const message = "The schedule has no window in the next 400 days.";
    return { kind: "hold", reason: "window_never_opens", message };
  }
  const planned = DateTime.fromJSDate(at, { zone }).setLocale("en").toFormat("cccc yyyy-MM-dd HH:mm:ss");
  const message = `${describe(over, facts.schedule.timezone)} Planned for ${planned} in ${zone}.`;
  return { kind: "defer", at, reason: over.reason, message };
}

function momentFor({ execution, enrollment, schedule }: SendFacts, zone: string, over: OverLimit, now: Date) {
  const seed = spreadSeed(enrollment.id, execution.stepKey);
  const earliest = new Date(Math.max(earliestAt(over, schedule), now.getTime()));
  // Where a window is open as the date begins, a whole day's emails must not start in that one moment.
  const plan =
    "nextDay" in over
      ? spreadFromNow({ schedule, zone, now: earliest, seed })
      : planSendTime({ schedule, zone, dueAt: earliest, seed });
  return plan.kind === "never" ? null : plan.at;
}

function earliestAt(over: OverLimit, { timezone }: Schedule): number {
  if ("until" in over) return over.until.getTime();
  if ("nextAt" in over) return over.nextAt.getTime();
  return firstInstant(timezone, Date.parse(over.nextDay));
}

function describe(over: OverLimit, timezone: string): string {
  switch (over.reason) {
    case "sequence_daily_limit":
      return `The sequence's limit of ${over.max} emails a day is reached for ${over.day} in ${timezone}.`;
    case "sender_daily_limit":
      return `The sender's limit of ${over.max} emails a day is reached for ${over.day} in ${timezone}.`;
    case "contact_gap":
      return "The contact got another email shortly before: the smallest gap between two emails is not over.";
    case "one_overdue_at_a_time":
      return "The contact got another email shortly before, and overdue emails go to one person one at a time.";
    case "send_rate":
      return `The limit of ${over.perSecond} emails a second is used up for the moment.`;
  }
}
