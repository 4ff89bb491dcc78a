import type { SendFacts } from "./decide-send.ts";
import { describeInstant } from "./describe-instant.ts";
import { type Gate, readingZone, zoneOf } from "./gate.ts";
import { isoDate, localDay } from "./local-time.ts";
import { scheduleFault } from "./schedule-fault.ts";
import { type DayCount, deferOverLimit, type EmailLimits, limitReached, type ThrottleState } from "./throttle.ts";
import { isTimeZone } from "./time-zone.ts";

/** The limits that one email has to keep to, and how far they are used up; read without taking a place. */
export interface Throttle {
  readonly limits: EmailLimits;
  readonly state: ThrottleState;
}

const noLimits: ThrottleState = { sequenceDay: null, senderDay: null, contactGapUntil: null, rate: null };

/**
 * What the limits make of an email at `at`. Of one that is planned for later (`at` after `now`) only what is known to
 * hold then still counts: the contact's gap, and a full date if it is planned for that date. Null: nobody set a limit.
 */
export function throttleGate(facts: SendFacts, now: Date, at: Date, throttle: Throttle | null): Gate<"throttle"> {
  const { schedule } = facts;
  const state = throttle?.state ?? noLimits;
  const known = at > now ? knownLater(state, dateOf(facts, at)) : state;
  const { zone } = zoneOf(facts);
  const canPlan = scheduleFault(schedule, zone) === null; // otherwise the window gate holds it
  const over = throttle === null || !canPlan ? null : limitReached(known, throttle.limits, schedule, at);
  return {
    name: "throttle",
    decision: over !== null ? deferOverLimit(facts, zoneOf(facts), over, at) : null,
    describe: () => ({
      sentence: describeThrottle(facts, state, now),
      data: {
        sequence_day: state.sequenceDay,
        sender_day: state.senderDay,
        contact_gap_until: state.contactGapUntil,
        rate: state.rate && { per_second: state.rate.perSecond, next_at: state.rate.nextAt },
      },
    }),
  };
}

function knownLater(state: ThrottleState, date: string | null): ThrottleState {
  const onThatDate = (count: DayCount | null) => (count !== null && count.day === date ? count : null);
  return {
    sequenceDay: onThatDate(state.sequenceDay),
    senderDay: onThatDate(state.senderDay),
    contactGapUntil: state.contactGapUntil,
    rate: null,
  };
}

/** Limits of a day count on the dates of the schedule's own zone. */
function dateOf({ schedule }: SendFacts, at: Date): string | null {
  return isTimeZone(schedule.timezone) ? isoDate(localDay(schedule.timezone, at.getTime())) : null;
}

function describeThrottle(facts: SendFacts, state: ThrottleState, now: Date): string {
  const { sequenceDay, senderDay, contactGapUntil, rate } = state;
  const onDay = ({ used, max, day }: DayCount, whose: string) =>
    `${used} of ${max} emails of ${whose} went out today (${day} in ${facts.schedule.timezone}).`;
  const sentences = [
    sequenceDay && onDay(sequenceDay, "this sequence"),
    senderDay && onDay(senderDay, "this sender"),
    contactGapUntil !== null && contactGapUntil > now
      ? `The contact got another email shortly before: the next one may go out at ${describeInstant(contactGapUntil, readingZone(facts))}.`
      : null,
    rate && describeRate(rate, now),
  ].filter((sentence) => sentence !== null);
  return sentences.length > 0 ? sentences.join(" ") : "No limit keeps it back.";
}

function describeRate({ perSecond, nextAt }: NonNullable<ThrottleState["rate"]>, now: Date): string {
  const seconds = (nextAt.getTime() - now.getTime()) / 1_000;
  const limit = `At most ${perSecond} emails a second leave`;
  return seconds > 0 ? `${limit}: the next one in ${Math.ceil(seconds)} s.` : `${limit}, and the next one may now.`;
}
