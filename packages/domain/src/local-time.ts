import { IANAZone } from "luxon";
import { isTimeZone, notATimeZone } from "./time-zone.ts";

// Local times are numbers here: milliseconds since 1970-01-01T00:00 on the wall clock, that is, the local time read
// as if it were UTC. A local date is a count of days on the same clock. Both make "the same time tomorrow" and "which
// weekday" plain arithmetic, and only two functions below know about offsets.

export const MINUTE = 60_000;
export const DAY = 86_400_000;

/** The wall clock's reading in `zone` at `instant` (epoch milliseconds). Throws a RangeError if the zone is none. */
export function localTime(zone: string, instant: number): number {
  return instant + offsetAt(zone, instant);
}

/** The local date in `zone` at `instant`, as days since 1970-01-01. */
export function localDay(zone: string, instant: number): number {
  return Math.floor(localTime(zone, instant) / DAY);
}

/**
 * The first instant at which the wall clock in `zone` shows `local` or later. For a time in a DST gap that is the end
 * of the gap, for a time that comes twice the first of the two. Never falls as `local` rises, so what is in order on
 * the wall clock stays in order as instants.
 */
export function firstInstant(zone: string, local: number): number {
  // No offset has ever been further from UTC than 15 h 14 min, so only a transition this near can matter.
  const reach = 16 * 60 * MINUTE;
  const before = offsetAt(zone, local - reach);
  const after = offsetAt(zone, local + reach);
  if (before === after) return local - before;

  const transitionAt = transitionBetween(zone, local - reach, local + reach);
  if (local - before < transitionAt) return local - before;
  return Math.max(local - after, transitionAt);
}

/** ISO weekday of a local date: Monday = 1 … Sunday = 7. */
export function isoWeekday(day: number): number {
  const thursday = 3; // days from Monday to 1970-01-01
  return ((((day + thursday) % 7) + 7) % 7) + 1;
}

/** A local date as "YYYY-MM-DD". */
export function isoDate(day: number): string {
  return new Date(day * DAY).toISOString().slice(0, 10);
}

interface Transition {
  at: number;
  before: number;
  after: number;
}

/** How one UTC day goes in a zone: one offset, or two with the instant between them. No zone ever changed twice in a day. */
type DayOffset = number | Transition;

interface ZoneDays {
  iana: IANAZone;
  days: Map<number, DayOffset>;
}

// Intl answers "which offset" in about 2 µs and a decision asks a dozen times; a day that has been looked at costs
// 50 ns. The bounds keep a process that lives for years, and sees every zone, in a few megabytes.
const zones = new Map<string, ZoneDays>();
const zonesMax = 1_000;
const daysMax = 2_000;

function offsetAt(zone: string, instant: number): number {
  const offset = dayOffset(zone, Math.floor(instant / DAY));
  if (typeof offset === "number") return offset;
  return instant < offset.at ? offset.before : offset.after;
}

function transitionBetween(zone: string, from: number, to: number): number {
  for (let day = Math.floor(from / DAY); day <= Math.floor(to / DAY); day += 1) {
    const offset = dayOffset(zone, day);
    if (typeof offset !== "number" && offset.at > from && offset.at <= to) return offset.at;
  }
  throw new Error(`no transition in ${zone} between ${from} and ${to}, although its offset changes`);
}

function dayOffset(zone: string, day: number): DayOffset {
  if (!Number.isFinite(day)) throw new RangeError("not a point in time: the date is invalid");
  const { iana, days } = zoneDays(zone);
  const known = days.get(day);
  if (known !== undefined) return known;

  if (days.size >= daysMax) days.clear();
  const found = readDayOffset(iana, day * DAY);
  days.set(day, found);
  return found;
}

function zoneDays(zone: string): ZoneDays {
  const known = zones.get(zone);
  if (known !== undefined) return known;

  if (!isTimeZone(zone)) throw new RangeError(notATimeZone(zone));
  if (zones.size >= zonesMax) zones.clear();
  const found = { iana: IANAZone.create(zone), days: new Map<number, DayOffset>() };
  zones.set(zone, found);
  return found;
}

function readDayOffset(iana: IANAZone, dayStart: number): DayOffset {
  const before = offsetMilliseconds(iana, dayStart);
  const after = offsetMilliseconds(iana, dayStart + DAY);
  if (before === after) return before;

  let last = dayStart; // the last instant known to have the old offset
  let first = dayStart + DAY; // the first known to have the new one
  while (first - last > 1) {
    const middle = Math.floor((last + first) / 2);
    if (offsetMilliseconds(iana, middle) === before) last = middle;
    else first = middle;
  }
  return { at: first, before, after };
}

function offsetMilliseconds(iana: IANAZone, instant: number): number {
  // luxon gives minutes, with a fraction for local mean times before zones were standardised.
  return Math.round(iana.offset(instant) * MINUTE);
}
