import { DAY, firstInstant, isoDate, isoWeekday, localDay, MINUTE } from "./local-time.ts";
import type { Schedule } from "./schedule.ts";

/** How far ahead an opening is looked for, in days. A year of closed dates is a choice, more than that a mistake. */
export const OPENING_HORIZON_DAYS = 400;

/** A window of a schedule as two instants, half-open: `end` is the first instant that is outside again. */
export interface SendingWindow {
  start: Date;
  end: Date;
}

/**
 * Whether email may go out at `at`, with the schedule's windows read in `zone`. Throws a RangeError if the zone is no
 * IANA name or the date invalid.
 *
 * Across DST a window runs from the first instant its start time names to the first its end time names: a start or end
 * in a gap moves to the end of the gap, one that comes twice means the first of the two, and everything in between is
 * open, so a window around a repeated hour is open through both passes. A window that lies in a gap entirely does not exist.
 */
export function isOpen(schedule: Schedule, zone: string, at: Date): boolean {
  // Tomorrow counts: clocks that go back across midnight return to today after tomorrow's first windows have started.
  const window = firstWindowNotOver(schedule, zone, at.getTime(), 1);
  return window !== null && window.start <= at.getTime();
}

/**
 * The window that contains `from`, with its own start, or else the next one; null if none starts within 400 days. Of
 * windows that overlap, the one that starts first; of those that start together, the longest. (A gap over midnight can
 * put the starts of two dates together: then the earlier date's.) Zones, DST and errors as for `isOpen`.
 */
export function nextWindow(schedule: Schedule, zone: string, from: Date): SendingWindow | null {
  const window = firstWindowNotOver(schedule, zone, from.getTime(), OPENING_HORIZON_DAYS);
  return window && { start: new Date(window.start), end: new Date(window.end) };
}

/** Whether a window starts on a local date, given as days since 1970-01-01: what `business_days` counts. */
export function hasWindowOn(schedule: Schedule, zone: string, day: number): boolean {
  // A whole date can be missing (Apia skipped 2011-12-30); its overnight window runs on the next day, the date does not count.
  const dateExists = localDay(zone, firstInstant(zone, day * DAY)) === day;
  return dateExists && windowsStartingOn(schedule, zone, day).length > 0;
}

interface Span {
  start: number;
  end: number;
}

function firstWindowNotOver(schedule: Schedule, zone: string, instant: number, horizonDays: number): Span | null {
  const today = localDay(zone, instant);
  if (schedule.windows.length === 0) return null;

  // Starts never fall from one date to the next (see firstInstant), so the first date with a window that is not over
  // has the answer. Yesterday's may still be open: overnight.
  for (let day = today - 1; day <= today + horizonDays; day += 1) {
    const first = windowsStartingOn(schedule, zone, day)
      .filter((window) => window.end > instant)
      .sort(earlierThenLonger)[0];
    if (first !== undefined) return first;
  }
  return null;
}

function earlierThenLonger(a: Span, b: Span): number {
  return a.start - b.start || b.end - a.end;
}

function windowsStartingOn(schedule: Schedule, zone: string, day: number): Span[] {
  const weekday = isoWeekday(day);
  const windows = schedule.windows.filter((window) => window.weekday === weekday);
  if (windows.length === 0 || isClosedOn(schedule, day)) return [];

  return windows
    .map((window) => {
      const start = minuteOfDay(window.start);
      const end = minuteOfDay(window.end);
      const endDay = end <= start ? day + 1 : day;
      return {
        start: firstInstant(zone, day * DAY + start * MINUTE),
        end: firstInstant(zone, endDay * DAY + end * MINUTE),
      };
    })
    .filter((span) => span.start < span.end);
}

function isClosedOn(schedule: Schedule, day: number): boolean {
  return schedule.closedDates.length > 0 && schedule.closedDates.includes(isoDate(day));
}

function minuteOfDay(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));
}
