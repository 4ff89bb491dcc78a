import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addDelay, REAL_PACE } from "./delay.ts";
import type { HolidayCalendar, Schedule, SpecialHours, WeeklyWindow } from "./schedule.ts";
import { planSendTime } from "./send-time.ts";
import { isOpen, nextWindow } from "./window.ts";

// Laws of time, checked against an oracle that knows nothing of offsets: it writes down what a clock on the wall shows
// in every minute of three weeks, and looks things up by walking along that list.

const MINUTE = 60_000;
const QUARTER = 15 * MINUTE;
const DAY = 86_400_000;

/** The list ends some time. What starts this close to its end may end beyond it, so no law looks there. */
const MARGIN = 3 * DAY;

/** Where clocks do something; `jumps` are the minutes they jump by in those three weeks. */
const places: { zone: string; around: string; jumps: number[] }[] = [
  { zone: "UTC", around: "2028-02-29", jumps: [] },
  { zone: "UTC", around: "2027-01-01", jumps: [] },
  { zone: "Asia/Bangkok", around: "2026-11-22", jumps: [] },
  { zone: "Asia/Bangkok", around: "2024-02-29", jumps: [] },
  { zone: "Asia/Kathmandu", around: "2026-12-31", jumps: [] },
  { zone: "Asia/Bangkok", around: "2026-12-25", jumps: [] },
  { zone: "Europe/Berlin", around: "2026-03-29", jumps: [60] },
  { zone: "Europe/Berlin", around: "2026-10-25", jumps: [-60] },
  { zone: "America/New_York", around: "2026-03-08", jumps: [60] },
  { zone: "America/New_York", around: "2026-11-01", jumps: [-60] },
  { zone: "Australia/Lord_Howe", around: "2026-10-04", jumps: [30] },
  { zone: "Australia/Lord_Howe", around: "2026-04-05", jumps: [-30] },
  // At midnight: that date began at 01:00, and that evening had two hours from 23:00.
  { zone: "America/Sao_Paulo", around: "2018-11-04", jumps: [60] },
  { zone: "America/Sao_Paulo", around: "2018-02-18", jumps: [-60] },
  // At 00:01: back across midnight, into the date before.
  { zone: "America/St_Johns", around: "2010-11-07", jumps: [-60] },
  { zone: "America/St_Johns", around: "2010-03-14", jumps: [60] },
  { zone: "America/St_Johns", around: "2026-03-08", jumps: [60] },
  // Negative DST, during Ramadan.
  { zone: "Africa/Casablanca", around: "2026-02-15", jumps: [-60] },
  { zone: "Africa/Casablanca", around: "2026-03-22", jumps: [60] },
  { zone: "Africa/El_Aaiun", around: "2026-03-22", jumps: [60] },
  // The other negative DST: winter is the exception.
  { zone: "Europe/Dublin", around: "2026-03-29", jumps: [60] },
  { zone: "Europe/Dublin", around: "2026-10-25", jumps: [-60] },
  { zone: "Antarctica/Troll", around: "2026-03-29", jumps: [120] },
  // At midnight, each in its own way: 00:00 missing, or 23:00 or 00:00 twice.
  { zone: "America/Havana", around: "2026-03-08", jumps: [60] },
  { zone: "America/Havana", around: "2026-11-01", jumps: [-60] },
  { zone: "Asia/Tehran", around: "2022-03-22", jumps: [60] },
  { zone: "Asia/Tehran", around: "2022-09-22", jumps: [-60] },
  { zone: "Africa/Cairo", around: "2026-04-24", jumps: [60] },
  { zone: "Africa/Cairo", around: "2026-10-30", jumps: [-60] },
  { zone: "Asia/Beirut", around: "2026-03-29", jumps: [60] },
  { zone: "Asia/Beirut", around: "2026-10-25", jumps: [-60] },
  { zone: "Asia/Gaza", around: "2021-03-27", jumps: [60] },
  { zone: "Asia/Gaza", around: "2021-10-29", jumps: [-60] },
  { zone: "Asia/Amman", around: "2022-02-25", jumps: [60] },
  { zone: "America/Asuncion", around: "2023-10-01", jumps: [60] },
  { zone: "America/Asuncion", around: "2024-03-24", jumps: [-60] },
  { zone: "America/Santiago", around: "2026-09-06", jumps: [60] },
  { zone: "America/Santiago", around: "2026-04-05", jumps: [-60] },
  { zone: "Atlantic/Azores", around: "2026-03-29", jumps: [60] },
  { zone: "America/Nuuk", around: "2023-03-26", jumps: [60] },
  // At other times of the day.
  { zone: "Pacific/Chatham", around: "2026-09-27", jumps: [60] },
  { zone: "Pacific/Chatham", around: "2026-04-05", jumps: [-60] },
  { zone: "Asia/Hovd", around: "2016-03-26", jumps: [60] },
  { zone: "Europe/Istanbul", around: "2016-03-27", jumps: [60] },
  // No summer time, a new standard time.
  { zone: "Asia/Pyongyang", around: "2018-05-05", jumps: [30] },
  { zone: "America/Caracas", around: "2016-05-01", jumps: [30] },
  { zone: "Pacific/Norfolk", around: "2015-10-04", jumps: [-30] },
  // A whole date that never was, one of them with a holiday on it.
  { zone: "Pacific/Apia", around: "2011-12-30", jumps: [1440] },
  { zone: "Pacific/Fakaofo", around: "2011-12-30", jumps: [1440] },
  { zone: "Pacific/Kiritimati", around: "1994-12-31", jumps: [1440] },
];

/** The public holidays of two countries in all those weeks, by hand: the date, and from when on if not from midnight. */
const holidaysByHand: { calendar: HolidayCalendar; dates: ReadonlyMap<string, string> }[] = [
  {
    calendar: { country: "US", region: null },
    dates: datesFrom(
      "1994-12-25 1994-12-26 1995-01-01 1995-01-02 1995-01-16 2010-11-11 2010-11-25 2011-12-25 2011-12-26 2012-01-01",
      "2012-01-02 2012-01-16 2015-10-12 2018-02-19 2018-11-11 2018-11-22 2021-11-11 2022-02-21 2023-10-09 2026-02-16",
      "2026-09-07 2026-10-12 2026-11-11 2026-11-26 2026-12-25 2027-01-01 2027-01-18",
    ),
  },
  {
    // Closed from 13:00 on 24 and 31 December.
    calendar: { country: "IS", region: null },
    dates: datesFrom(
      "1994-12-24T13:00 1994-12-25 1994-12-26 1994-12-31T13:00 1995-01-01 2010-04-01 2010-04-02 2010-04-04 2010-04-05",
      "2011-12-24T13:00 2011-12-25 2011-12-26 2011-12-31T13:00 2012-01-01 2016-03-24 2016-03-25 2016-03-27 2016-03-28",
      "2016-04-21 2016-05-01 2016-05-05 2016-05-15 2016-05-16 2018-05-01 2018-05-10 2018-05-20 2018-05-21 2021-04-01",
      "2021-04-02 2021-04-04 2021-04-05 2023-04-06 2023-04-07 2023-04-09 2023-04-10 2024-03-28 2024-03-29 2024-03-31",
      "2024-04-01 2026-04-02 2026-04-03 2026-04-05 2026-04-06 2026-04-23 2026-05-01 2026-05-14 2026-12-24T13:00",
      "2026-12-25 2026-12-26 2026-12-31T13:00 2027-01-01",
    ),
  },
];

function datesFrom(...lines: string[]): ReadonlyMap<string, string> {
  const entries = lines.flatMap((line) => line.split(" ")).map((entry) => entry.split("T"));
  return new Map(entries.map(([date = "", from = "00:00"]) => [date, from]));
}

test("the places are at least twenty zones, and clocks go both ways in them", () => {
  expect(new Set(places.map((place) => place.zone)).size).toBeGreaterThanOrEqual(20);
  expect(places.some(({ jumps }) => jumps.some((jump) => jump < 0))).toBe(true);
});

describe.each(places)("$zone around $around", ({ zone, around, jumps }) => {
  const clock = readWallClock(zone, around);
  const schedules = scheduleNear(clock);
  const instants = instantNear(clock);
  const runs = { numRuns: 40 };

  test("the oracle's clock jumps where this place is listed for", () => {
    expect(jumpsOf(clock)).toEqual(jumps);
  });

  test("a schedule is open exactly while the wall clock has reached a start and not yet its end", () => {
    fc.assert(
      fc.property(schedules, instants, (schedule, at) => {
        expect(isOpen(schedule, zone, new Date(at))).toBe(isInside(openingsOf(schedule, clock), at));
      }),
      runs,
    );
  });

  test("the next window is the first that is not over, with its own start and end", () => {
    fc.assert(
      fc.property(schedules, instants, (schedule, from) => {
        const known = openingsOf(schedule, clock).filter((opening) => opening.start < clock.end - MARGIN);
        const expected = firstNotOver(known, from);
        const found = nextWindow(schedule, zone, new Date(from));
        if (expected !== undefined) {
          expect(found).toEqual({ start: new Date(expected.start), end: new Date(expected.end) });
        } else if (found !== null) {
          expect(found.start.getTime()).toBeGreaterThanOrEqual(clock.end - MARGIN);
        }
      }),
      runs,
    );
  });

  function forEveryPlan(check: (schedule: Schedule, dueAt: number, at: number) => void) {
    fc.assert(
      fc.property(schedules, instants, fc.string(), (schedule, due, seed) => {
        const dueAt = new Date(due);
        const plan = planSendTime({ schedule, zone, dueAt, seed });
        if (plan.kind === "never") expect(firstNotOver(openingsOf(schedule, clock), due)).toBeUndefined();
        else if (plan.at.getTime() < clock.end - MARGIN) check(schedule, due, plan.at.getTime());
      }),
      runs,
    );
  }

  test("never outside a window", () => {
    forEveryPlan((schedule, _due, at) => expect(isInside(openingsOf(schedule, clock), at)).toBe(true));
  });

  test("never before due", () => {
    forEveryPlan((_schedule, due, at) => expect(at).toBeGreaterThanOrEqual(due));
  });

  test("the earliest opening plus spread", () => {
    forEveryPlan((schedule, due, at) => {
      const openings = openingsOf(schedule, clock);
      if (isInside(openings, due)) return expect(at).toBe(due);
      const opensAt = firstNotOver(openings, due)?.start ?? Number.NaN;
      expect(at).toBeGreaterThanOrEqual(opensAt);
      expect(at).toBeLessThan(opensAt + Math.max(1, schedule.spreadMinutes * MINUTE));
    });
  });

  test("the spread never leaves the window", () => {
    forEveryPlan((schedule, due, at) => {
      const openings = openingsOf(schedule, clock);
      if (!isInside(openings, due)) expect(at).toBeLessThan(firstNotOver(openings, due)?.end ?? Number.NaN);
    });
  });

  test("what is overdue is spread from its due instant on, and the spread never leaves the window either", () => {
    fc.assert(
      fc.property(
        schedules,
        instants,
        fc.string(),
        fc.integer({ min: 1, max: 1440 }),
        (schedule, due, seed, spread) => {
          const request = { schedule, zone, dueAt: new Date(due), seed };
          const plan = planSendTime({ ...request, overdueSpreadMinutes: spread });
          const openings = openingsOf(schedule, clock);
          if (!isInside(openings, due)) {
            expect(plan).toEqual(planSendTime(request));
            return;
          }
          const at = plan.kind === "open" ? plan.at.getTime() : Number.NaN;
          expect(at).toBeGreaterThanOrEqual(due);
          expect(at).toBeLessThan(Math.min(due + spread * MINUTE, firstNotOver(openings, due)?.end ?? Number.NaN));
          expect(planSendTime({ ...request, overdueSpreadMinutes: spread })).toEqual(plan);
        },
      ),
      runs,
    );
  });

  test("planning twice gives the same answer", () => {
    fc.assert(
      fc.property(schedules, instants, fc.string(), (schedule, due, seed) => {
        const first = planSendTime({ schedule, zone, dueAt: new Date(due), seed });
        const again = planSendTime({ schedule: structuredClone(schedule), zone, dueAt: new Date(due), seed });
        expect(again).toEqual(first);
        if (first.kind === "never") return;
        const whenItFires = planSendTime({ schedule, zone, dueAt: first.at, seed: "another" });
        expect(whenItFires).toEqual({ kind: "open", at: first.at });
      }),
      runs,
    );
  });

  test("days keep the wall-clock time, or take the first instant after a gap", () => {
    fc.assert(
      fc.property(schedules, instants, fc.integer({ min: 1, max: 5 }), (schedule, from, value) => {
        const options = { schedule, zone, pace: REAL_PACE };
        const reached = addDelay(new Date(from), { value, unit: "days" }, options);
        expect(reached.getTime()).toBe(firstShowing(clock, shownAt(clock, from) + value * DAY));
      }),
      runs,
    );
  });

  test("business days count the dates on which a window starts, and keep the wall-clock time", () => {
    fc.assert(
      fc.property(schedules, instants, fc.integer({ min: 1, max: 3 }), (schedule, from, value) => {
        const shown = shownAt(clock, from);
        const today = Math.floor(shown / DAY);
        const dates = [...datesOf(clock)].filter(
          (date) => date > today && openingsOn(schedule, clock, date).length > 0,
        );
        const date = dates[value - 1];
        if (date === undefined) return; // not within what the list covers
        const reached = addDelay(new Date(from), { value, unit: "business_days" }, { schedule, zone, pace: REAL_PACE });
        expect(reached.getTime()).toBe(firstShowing(clock, shown + (date - today) * DAY));
      }),
      runs,
    );
  });

  test("no delay ends before it begins", () => {
    fc.assert(
      fc.property(
        schedules,
        instants,
        fc.record({
          value: fc.integer({ min: 0, max: 40 }),
          unit: fc.constantFrom("minutes", "hours", "days", "business_days"),
        }),
        (schedule, from, delay) => {
          const reached = addDelay(new Date(from), delay, { schedule, zone, pace: REAL_PACE });
          expect(reached.getTime()).toBeGreaterThanOrEqual(from + (delay.value === 0 ? 0 : 1));
        },
      ),
      runs,
    );
  });
});

// The wall clock

interface WallClock {
  start: number;
  end: number;
  /** What it shows in each minute from `start`: the local time, written as if it were UTC, in milliseconds. */
  shows: number[];
  /** Where in `shows` each date, or a later one, is first shown: nothing of a date is shown before, so walks begin there. */
  dateBegins: Map<number, number>;
}

function readWallClock(zone: string, around: string): WallClock {
  const start = Date.parse(`${around}T00:00:00Z`) - 5 * DAY;
  const end = start + 22 * DAY;
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    calendar: "gregory",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
  const shownIn = (instant: number) => {
    const [, day, month, year, hour, minute] = /^(\d+)\/(\d+)\/(\d+), (\d+):(\d+)$/.exec(format.format(instant)) ?? [];
    return Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute));
  };
  const shows: number[] = [];
  for (let quarter = start, shown = shownIn(start); quarter < end; quarter += QUARTER) {
    // A clock that shows a quarter of an hour more after one has run steadily: those minutes need not be asked for.
    const next = shownIn(quarter + QUARTER);
    for (let past = 0; past < QUARTER; past += MINUTE) {
      shows.push(next === shown + QUARTER ? shown + past : shownIn(quarter + past));
    }
    shown = next;
  }
  const dateBegins = new Map<number, number>();
  let latest = -Infinity;
  shows.forEach((shown, index) => {
    const date = Math.floor(shown / DAY);
    for (let next = Math.max(latest + 1, date - 2); next <= date; next += 1) dateBegins.set(next, index);
    latest = Math.max(latest, date);
  });
  return { start, end, shows, dateBegins };
}

function jumpsOf({ shows }: WallClock): number[] {
  return shows
    .map((shown, index) => (shown - (shows[index - 1] ?? shown - MINUTE)) / MINUTE - 1)
    .filter((jump) => jump !== 0);
}

function shownAt(clock: WallClock, instant: number): number {
  const minute = clock.shows[Math.floor((instant - clock.start) / MINUTE)];
  return (minute ?? Number.NaN) + (instant % MINUTE);
}

/** The first instant at which the clock shows this or later; gaps and repeats end on whole minutes. */
function firstShowing({ start, shows, dateBegins }: WallClock, local: number): number {
  const wholeMinute = Math.floor(local / MINUTE) * MINUTE;
  let index = dateBegins.get(Math.floor(local / DAY)) ?? shows.length;
  while (index < shows.length && (shows[index] ?? Number.NaN) < wholeMinute) index += 1;
  if (index === shows.length) return Number.NaN;
  return start + index * MINUTE + (shows[index] === wholeMinute ? local - wholeMinute : 0);
}

/** The dates it shows, up to the margin: one that never was is not among them. */
function datesOf({ end, shows }: WallClock): Set<number> {
  const dates = new Set(shows.map((shown) => Math.floor(shown / DAY)));
  for (const date of dates) if (date * DAY > end - MARGIN) dates.delete(date);
  return dates;
}

// Windows, found by walking

interface Opening {
  date: number;
  start: number;
  end: number;
}

function openingsOf(schedule: Schedule, clock: WallClock): Opening[] {
  const first = Math.floor((clock.shows[0] ?? 0) / DAY);
  return Array.from({ length: 24 }, (_, index) => openingsOn(schedule, clock, first + index)).flat();
}

function openingsOn(schedule: Schedule, clock: WallClock, date: number): Opening[] {
  const midnight = new Date(date * DAY);
  const name = midnight.toISOString().slice(0, 10);
  const special = schedule.specialHours.find((hours) => hours.date === name);
  const week = schedule.windows.filter((window) => window.weekday % 7 === midnight.getUTCDay());
  const closedFrom = special === undefined ? closedFromOn(schedule, name) : Number.POSITIVE_INFINITY;
  return (special?.windows ?? week)
    .map((window) => ({ start: minutesOf(window.start), end: minutesOf(window.end) }))
    .map(({ start, end }) => ({ start, end: Math.min(closedFrom, end > start ? end : end + 1440) }))
    .filter(({ start, end }) => start < end)
    .map(({ start, end }) => ({
      date,
      start: firstShowing(clock, midnight.getTime() + start * MINUTE),
      end: firstShowing(clock, midnight.getTime() + end * MINUTE),
    }))
    .filter((opening) => opening.start < opening.end);
}

/** From which minute on nothing that starts on this date is open any more. */
function closedFromOn({ closedDates, holidays }: Schedule, date: string): number {
  if (closedDates.includes(date)) return 0;
  const from = holidaysByHand.find(({ calendar }) => calendar.country === holidays?.country)?.dates.get(date);
  return from === undefined ? Number.POSITIVE_INFINITY : minutesOf(from);
}

function isInside(openings: Opening[], at: number): boolean {
  return openings.some((opening) => opening.start <= at && at < opening.end);
}

function firstNotOver(openings: Opening[], at: number): Opening | undefined {
  return openings
    .filter((opening) => opening.end > at)
    .sort((a, b) => a.start - b.start || a.date - b.date || b.end - a.end)[0];
}

function minutesOf(time: string): number {
  const [hours, minutes] = time.split(":").map(Number);
  return (hours ?? Number.NaN) * 60 + (minutes ?? Number.NaN);
}

// What is tried: anything, but mostly what lies close to the jump

function instantNear(clock: WallClock): fc.Arbitrary<number> {
  const jump = clock.shows.findIndex((shown, index) => index > 0 && shown !== (clock.shows[index - 1] ?? 0) + MINUTE);
  const middle = clock.start + (jump === -1 ? 5 * 1440 : jump) * MINUTE;
  return fc.oneof(
    fc.integer({ min: middle - 180 * MINUTE, max: middle + 180 * MINUTE }),
    fc.integer({ min: -180, max: 180 }).map((minutes) => middle + minutes * MINUTE),
    fc.integer({ min: middle - 2 * DAY, max: middle + 2 * DAY }),
  );
}

function scheduleNear(clock: WallClock): fc.Arbitrary<Schedule> {
  const timeOfDay = fc.oneof(
    fc.constantFrom(0, 1, 30, 60, 90, 120, 150, 180, 1380, 1410, 1439),
    fc.integer({ min: 0, max: 1439 }),
  );
  const window = fc.record({
    weekday: fc.integer({ min: 1, max: 7 }),
    start: timeOfDay.map(asTime),
    end: fc.oneof(timeOfDay, fc.constant(1440)).map(asTime),
  });
  const daily = fc
    .record({ start: timeOfDay.map(asTime), end: timeOfDay.map(asTime) })
    .map((times): WeeklyWindow[] => [1, 2, 3, 4, 5, 6, 7].map((weekday) => ({ weekday, ...times })));
  const date = fc
    .integer({ min: clock.start + 2 * DAY, max: clock.start + 8 * DAY })
    .map((instant) => new Date(instant).toISOString().slice(0, 10));
  const specialDate = fc.record({
    date,
    windows: fc.array(fc.record({ start: timeOfDay.map(asTime), end: timeOfDay.map(asTime) }), {
      minLength: 1,
      maxLength: 3,
    }),
  });
  return fc.record({
    timezone: fc.constant("UTC"), // the zone is passed on its own
    windows: fc.oneof(fc.array(window, { maxLength: 6 }), daily),
    closedDates: fc.oneof(fc.constant<string[]>([]), fc.array(date, { maxLength: 3 })),
    holidays: fc.constantFrom(null, ...holidaysByHand.map(({ calendar }) => calendar)),
    specialHours: fc.oneof(
      fc.constant<SpecialHours[]>([]),
      fc.uniqueArray(specialDate, { maxLength: 3, selector: (of) => of.date }),
    ),
    usesContactTimezone: fc.constant(false),
    spreadMinutes: fc.oneof(fc.constant(15), fc.integer({ min: 0, max: 1440 })),
  });
}

function asTime(minutes: number): string {
  return `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
}
