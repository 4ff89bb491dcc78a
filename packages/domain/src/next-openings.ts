import { isoDate, isoWeekday, localDay } from "./local-time.ts";
import type { Schedule } from "./schedule.ts";
import { type Closure, closureOn, nextWindow, type SendingWindow } from "./window.ts";

export interface ClosedDay {
  /** Local, "YYYY-MM-DD". */
  readonly date: string;
  readonly closure: Closure;
}

export interface NextOpenings {
  /** In order and apart from each other: of windows that overlap, the later one begins where the earlier one ends. */
  readonly openings: SendingWindow[];
  /** The dates up to the last opening's on which the week would have opened, or which have hours of their own. */
  readonly closedDays: ClosedDay[];
}

/**
 * The next `count` times at which email may go out, from the one that contains `from` on, with its own start; fewer if no
 * window opens within 400 days of the last. Together they are exactly the open time up to the last one's end. Zones, DST
 * and errors as for `isOpen`.
 */
export function nextOpenings(schedule: Schedule, zone: string, from: Date, count: number): NextOpenings {
  const openings: SendingWindow[] = [];
  let after = from;
  while (openings.length < count) {
    const window = nextWindow(schedule, zone, after);
    if (window === null) break;
    const start = openings.length > 0 && window.start < after ? after : window.start;
    openings.push({ start, end: window.end });
    after = window.end;
  }
  const last = openings.at(-1);
  return { openings, closedDays: last === undefined ? [] : closedDaysUntil(schedule, zone, from, last.start) };
}

function closedDaysUntil(schedule: Schedule, zone: string, from: Date, until: Date): ClosedDay[] {
  const weekdays = new Set(schedule.windows.map(({ weekday }) => weekday));
  const days: ClosedDay[] = [];
  for (let day = localDay(zone, from.getTime()); day <= localDay(zone, until.getTime()); day += 1) {
    const closure = closureOn(schedule, day);
    // A holiday on a Sunday keeps nobody waiting who does not send on Sundays.
    const matters = closure?.kind === "special_hours" || weekdays.has(isoWeekday(day));
    if (closure !== null && matters) days.push({ date: isoDate(day), closure });
  }
  return days;
}
