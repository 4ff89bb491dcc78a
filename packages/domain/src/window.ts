import { holidaysOf, type PublicHoliday } from "./holidays.ts";
import { DAY, firstInstant, isoWeekday, localDay, MINUTE } from "./local-time.ts";
import type { Schedule } from "./schedule.ts";

/** How far ahead an opening is looked for, in days. A year of closed dates is a choice, more than that a mistake. */
export const OPENING_HORIZON_DAYS = 400;

/** A window of a schedule as two instants, half-open: `end` is the first instant that is outside again. */
export interface SendingWindow {
  start: Date;
  end: Date;
}

/** Why the windows that start on a local date are not those of the week. A holiday may close the date from a minute of it on. */
export type Closure =
  | { kind: "special_hours" }
  | { kind: "closed_date" }
  | { kind: "holiday"; name: string; closedFromMinute: number };

/**
 * Whether email may go out at `at`, with the schedule's windows read in `zone`. Throws a RangeError if the zone is no
 * IANA name, the date invalid, or the schedule's holiday calendar one that does not exist.
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

/** From 2100 on nobody knows what clocks will do, and asking them for each of thousands of business days takes a minute. */
const CLOCKS_KNOWN_UNTIL_DAY = Date.UTC(2100, 0, 1) / DAY;

/** Whether a window starts on a local date, given as days since 1970-01-01: what `business_days` counts. From 2100 on windows in DST gaps count too. */
export function hasWindowOn(schedule: Schedule, zone: string, day: number): boolean {
  const windows = windowsOn(calendarOf(schedule), day);
  if (windows.length === 0) return false;
  if (day >= CLOCKS_KNOWN_UNTIL_DAY) return true;
  // A whole date can be missing (Apia skipped 2011-12-30); its overnight window runs on the next day, the date does not count.
  const dateExists = localDay(zone, firstInstant(zone, day * DAY)) === day;
  return dateExists && windows.some((window) => spanOf(zone, day, window) !== null);
}

/**
 * What takes the place of the week on a local date, given as days since 1970-01-01: special hours before a closed date
 * before a public holiday; null if the week applies. Throws a RangeError if there is no such holiday calendar.
 */
export function closureOn(schedule: Schedule, day: number): Closure | null {
  const { special, closed, holidayOn } = calendarOf(schedule);
  if (special.has(day)) return { kind: "special_hours" };
  if (closed.has(day)) return { kind: "closed_date" };
  const holiday = holidayOn?.(day) ?? null;
  return holiday && { kind: "holiday", ...holiday };
}

interface Span {
  start: number;
  end: number;
}

function firstWindowNotOver(schedule: Schedule, zone: string, instant: number, horizonDays: number): Span | null {
  const today = localDay(zone, instant);
  const calendar = calendarOf(schedule);
  if (calendar.isEmpty) return null;

  // Starts never fall from one date to the next (see firstInstant), so the first date with a window that is not over
  // has the answer. Yesterday's may still be open: overnight.
  for (let day = today - 1; day <= today + horizonDays; day += 1) {
    let first: Span | null = null;
    for (const window of windowsOn(calendar, day)) {
      const span = spanOf(zone, day, window);
      if (span !== null && span.end > instant && (first === null || isEarlierOrLonger(span, first))) first = span;
    }
    if (first !== null) return first;
  }
  return null;
}

function isEarlierOrLonger(a: Span, b: Span): boolean {
  return a.start < b.start || (a.start === b.start && a.end > b.end);
}

/** The two instants between which a window is open; null if clocks jump over it. */
function spanOf(zone: string, day: number, window: DayWindow): Span | null {
  const start = firstInstant(zone, day * DAY + window.start);
  const end = firstInstant(zone, day * DAY + window.end);
  return start < end ? { start, end } : null;
}

// What a schedule says about dates, worked out once for as long as it is in use

/** A window of one date: milliseconds on the wall clock since its midnight; overnight, the end is more than a day. */
interface DayWindow {
  start: number;
  end: number;
}

interface Calendar {
  isEmpty: boolean;
  /** By ISO weekday; nothing at 0. */
  week: DayWindow[][];
  special: ReadonlyMap<number, DayWindow[]>;
  closed: ReadonlySet<number>;
  holidayOn: ((day: number) => PublicHoliday | null) | null;
}

const none: DayWindow[] = [];
const calendars = new WeakMap<Schedule, Calendar>();

function windowsOn(calendar: Calendar, day: number): DayWindow[] {
  if (calendar.special.size > 0) {
    const special = calendar.special.get(day);
    if (special !== undefined) return special;
  }
  const windows = calendar.week[isoWeekday(day)] ?? none;
  if (windows.length === 0 || calendar.closed.has(day)) return none;
  const holiday = calendar.holidayOn?.(day) ?? null;
  return holiday === null ? windows : before(windows, holiday.closedFromMinute * MINUTE);
}

/** Nothing of what starts on a date is left once the date is closed, also what would have run past midnight. */
function before(windows: DayWindow[], closedFrom: number): DayWindow[] {
  return windows
    .filter((window) => window.start < closedFrom)
    .map(({ start, end }) => ({ start, end: Math.min(end, closedFrom) }));
}

function calendarOf(schedule: Schedule): Calendar {
  const known = calendars.get(schedule);
  if (known !== undefined) return known;
  const found = readCalendar(schedule);
  calendars.set(schedule, found);
  return found;
}

function readCalendar({ windows, specialHours, closedDates, holidays }: Schedule): Calendar {
  const week: DayWindow[][] = [[], [], [], [], [], [], [], []];
  for (const window of windows) week[window.weekday]?.push(dayWindow(window));
  return {
    isEmpty: windows.length === 0 && specialHours.length === 0,
    week,
    special: new Map(specialHours.map((special) => [dayOf(special.date), special.windows.map(dayWindow)])),
    closed: new Set(closedDates.map(dayOf)),
    holidayOn: holidays && holidaysOf(holidays),
  };
}

function dayWindow({ start, end }: { start: string; end: string }): DayWindow {
  const [startsAt, endsAt] = [timeOfDay(start), timeOfDay(end)];
  return { start: startsAt, end: endsAt <= startsAt ? endsAt + DAY : endsAt };
}

// By hand, because a schedule that comes from a database is read anew for each decision: 100 ns instead of 460 for Date.parse.
function timeOfDay(time: string): number {
  return (twoDigits(time, 0) * 60 + twoDigits(time, 3)) * MINUTE;
}

function dayOf(date: string): number {
  const year = twoDigits(date, 0) * 100 + twoDigits(date, 2);
  return Date.UTC(year, twoDigits(date, 5) - 1, twoDigits(date, 8)) / DAY;
}

function twoDigits(text: string, at: number): number {
  return text.charCodeAt(at) * 10 + text.charCodeAt(at + 1) - 11 * 48; // 48 is "0"
}
