import type { Openings } from "./plan-windows.ts";

const minute = 60_000;

/** A zone whose clock goes forward in the middle of a run. */
export interface ZoneChange {
  readonly zone: string;
  /** The instant of it, on a whole minute. */
  readonly at: number;
  readonly minutesBefore: number;
  readonly minutesAfter: number;
}

/** So long the processes may take until the run begins. */
const startMilliseconds = 45_000;

/** The clock goes forward by an hour on the first whole minute that the run is sure to see. */
export function planZoneChange(now: number): ZoneChange {
  const at = Math.ceil((now + startMilliseconds) / minute) * minute;
  return { zone: "Europe/Berlin", at, minutesBefore: 60, minutesAfter: 120 };
}

/** Open until the clock goes forward, and again from a minute after it. */
export function openingsAcrossGap(from: number, { at }: ZoneChange): Openings {
  return [
    [Math.floor(from / minute) * minute, at],
    [at + minute, at + 6 * 60 * minute],
  ];
}

/**
 * The same on the wall, as the API takes it. The first window ends half an hour into the hour that is left out, so it ends when
 * the clock goes forward: whoever goes by the old offset sends for half an hour more, and would open the second an hour late.
 */
export function windowsAcrossGap(openings: Openings, change: ZoneChange) {
  const before = (instant: number) => new Date(instant + change.minutesBefore * minute);
  const after = (instant: number) => new Date(instant + change.minutesAfter * minute);
  return openings.map(([start, end]) => {
    const opens = start < change.at ? before(start) : after(start);
    const closes = end === change.at ? before(end + 30 * minute) : after(end);
    return { weekday: opens.getUTCDay() || 7, start: timeOf(opens), end: timeOf(closes) };
  });
}

function timeOf(wall: Date): string {
  return wall.toISOString().slice(11, 16);
}
