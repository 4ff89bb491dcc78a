import { z } from "zod";
import { DAY, firstInstant, localTime, MINUTE } from "./local-time.ts";
import type { Schedule } from "./schedule.ts";
import { unreachable } from "./unreachable.ts";
import { hasWindowOn, OPENING_HORIZON_DAYS } from "./window.ts";

/** The longest delay of each unit: ten years (of business days about fourteen), far beyond any sequence. */
export const DELAY_MAX = { minutes: 5_256_000, hours: 87_600, days: 3_650, business_days: 3_650 } as const;

const valueMessage = "a delay's value is a whole number, zero or more";

/**
 * How long a step waits. Minutes and hours are elapsed time; days keep the local wall-clock time; business days are
 * the local dates on which the schedule opens.
 */
export const Delay = z
  .object({
    value: z.int({ error: valueMessage }).min(0, valueMessage),
    unit: z.enum(["minutes", "hours", "days", "business_days"], {
      error: 'a delay\'s unit is "minutes", "hours", "days" or "business_days"',
    }),
  })
  .superRefine(({ value, unit }, context) => {
    if (value <= DELAY_MAX[unit]) return;
    context.addIssue({
      code: "custom",
      path: ["value"],
      message: `a delay is at most ${DELAY_MAX[unit]} ${unit === "business_days" ? "business days" : `${unit} (ten years)`}, not ${value}`,
    });
  });
export type Delay = z.infer<typeof Delay>;

/** How fast delays pass: how long a day of delay really takes. */
export interface Pace {
  dayMilliseconds: number;
}

export const REAL_PACE: Pace = Object.freeze({ dayMilliseconds: DAY });

/**
 * The instant at which a delay that begins at `from` is over; never before `from`. Throws a RangeError if the zone is
 * no IANA name or the date invalid.
 *
 * - minutes and hours are elapsed time;
 * - days are calendar days in `zone` at the same wall-clock time: in a DST gap the end of the gap, of a time that comes
 *   twice the first;
 * - business days count the local dates after `from`'s on which at least one window starts, at the same wall-clock
 *   time. If the schedule stays shut for 400 dates in a row, the last of them is the answer, and planning a send from
 *   there says what is wrong with the schedule.
 *
 * At any other pace than the real one all of them are elapsed time, shortened in proportion ("a day lasts 5 s").
 */
export function addDelay(
  from: Date,
  delay: Delay,
  { schedule, zone, pace }: { schedule: Schedule; zone: string; pace: Pace },
): Date {
  if (delay.value === 0) return from; // also keeps an instant in the second pass of a repeated hour from going back
  if (pace.dayMilliseconds !== DAY) {
    return after(from, Math.round((elapsedMilliseconds(delay) * pace.dayMilliseconds) / DAY));
  }

  const local = localTime(zone, from.getTime());
  switch (delay.unit) {
    case "minutes":
    case "hours":
      return after(from, elapsedMilliseconds(delay));
    case "days":
      return new Date(firstInstant(zone, local + delay.value * DAY));
    case "business_days": {
      const today = Math.floor(local / DAY);
      const days = businessDate(schedule, zone, today, delay.value) - today;
      return new Date(firstInstant(zone, local + days * DAY));
    }
    default:
      return unreachable(delay.unit);
  }
}

/** The `count`th local date after `today` on which a window starts; dates are days since 1970-01-01. */
function businessDate(schedule: Schedule, zone: string, today: number, count: number): number {
  const known = walksOf(schedule);
  const key = `${zone} ${today} ${count}`;
  const end = known.get(key) ?? walk(schedule, zone, today, count);
  if (known.size >= walksMax) known.clear();
  known.set(key, end);
  return end;
}

function walk(schedule: Schedule, zone: string, today: number, count: number): number {
  let reached = today;
  for (let found = 0; found < count; found += 1) {
    const horizon = reached + OPENING_HORIZON_DAYS;
    do reached += 1;
    while (reached < horizon && !hasWindowOn(schedule, zone, reached));
    if (reached === horizon) return horizon;
  }
  return reached;
}

// A plan asks for the same walk many times: for each instant of a spread, and for each person. The longest takes 25,000
// dates.
const walks = new WeakMap<Schedule, Map<string, number>>();
const walksMax = 1_000;

function walksOf(schedule: Schedule): Map<string, number> {
  const known = walks.get(schedule) ?? new Map<string, number>();
  walks.set(schedule, known);
  return known;
}

function elapsedMilliseconds({ value, unit }: Delay): number {
  switch (unit) {
    case "minutes":
      return value * MINUTE;
    case "hours":
      return value * 60 * MINUTE;
    case "days":
    case "business_days":
      return value * DAY;
    default:
      return unreachable(unit);
  }
}

function after(from: Date, milliseconds: number): Date {
  return new Date(from.getTime() + milliseconds);
}

/** A delay in the shorthand `delay_days`; null if it is not counted in calendar days. */
export function delayDays(delay: Delay): number | null {
  return delay.unit === "days" ? delay.value : null;
}
