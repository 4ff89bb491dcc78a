import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { localDateTime } from "./local-date-time.ts";
import { nextOpenings } from "./next-openings.ts";
import { BUSINESS_HOURS, type Schedule } from "./schedule.ts";
import { isOpen } from "./window.ts";

const weekly = (windows: Schedule["windows"], more: Partial<Schedule> = {}): Schedule => ({
  ...BUSINESS_HOURS,
  timezone: "UTC",
  windows,
  ...more,
});
const texts = (schedule: Schedule, zone: string, from: string, count: number) =>
  nextOpenings(schedule, zone, new Date(from), count).openings.map(
    ({ start, end }) => `${localDateTime(zone, start)}/${localDateTime(zone, end)}`,
  );

describe("the next openings", () => {
  test("begin with the one that is open, with its own start", () => {
    expect(texts(BUSINESS_HOURS, "Asia/Bangkok", "2026-11-27T05:00:00Z", 2)).toEqual([
      "2026-11-27T09:00:00+07:00/2026-11-27T17:00:00+07:00",
      "2026-11-30T09:00:00+07:00/2026-11-30T17:00:00+07:00",
    ]);
  });

  test("of windows that overlap tell each moment once; windows that touch stay apart", () => {
    const schedule = weekly([
      { weekday: 1, start: "09:00", end: "12:00" },
      { weekday: 1, start: "11:00", end: "14:00" },
      { weekday: 1, start: "10:00", end: "11:00" },
      { weekday: 1, start: "14:00", end: "15:00" },
    ]);

    expect(texts(schedule, "UTC", "2026-11-23T00:00:00Z", 3)).toEqual([
      "2026-11-23T09:00:00+00:00/2026-11-23T12:00:00+00:00",
      "2026-11-23T12:00:00+00:00/2026-11-23T14:00:00+00:00",
      "2026-11-23T14:00:00+00:00/2026-11-23T15:00:00+00:00",
    ]);
  });

  test("keep the wall clock across a change of the clocks", () => {
    const sundays = weekly([{ weekday: 7, start: "01:00", end: "04:00" }]);

    expect(texts(sundays, "Europe/Berlin", "2026-10-20T00:00:00Z", 2)).toEqual([
      "2026-10-25T01:00:00+02:00/2026-10-25T04:00:00+01:00",
      "2026-11-01T01:00:00+01:00/2026-11-01T04:00:00+01:00",
    ]);
  });

  test("are fewer if none opens any more within 400 days", () => {
    const once = weekly([], { specialHours: [{ date: "2026-12-24", windows: [{ start: "09:00", end: "12:00" }] }] });

    expect(texts(once, "UTC", "2026-11-23T00:00:00Z", 5)).toHaveLength(1);
    expect(nextOpenings(weekly([]), "UTC", new Date("2026-11-23T00:00:00Z"), 5)).toEqual({
      openings: [],
      closedDays: [],
    });
  });

  test("name no closed date on which the week would not have opened anyway", () => {
    const schedule = weekly([{ weekday: 1, start: "09:00", end: "17:00" }], {
      closedDates: ["2026-11-24", "2026-11-30"],
    });

    expect(nextOpenings(schedule, "UTC", new Date("2026-11-23T00:00:00Z"), 2).closedDays).toEqual([
      { date: "2026-11-30", closure: { kind: "closed_date" } },
    ]);
  });

  test("are exactly the open time up to the last one's end, whatever the windows", () => {
    const time = fc.integer({ min: 0, max: 47 }).map((half) => clock(half));
    const windows = fc.array(fc.record({ weekday: fc.integer({ min: 1, max: 7 }), start: time, end: time }), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(windows, fc.integer({ min: 0, max: 400 * 48 }), (list, halfHours) => {
        const schedule = weekly(list, { timezone: "Europe/Berlin" });
        const from = new Date(Date.UTC(2026, 0, 1) + halfHours * 1_800_000);
        const { openings } = nextOpenings(schedule, "Europe/Berlin", from, 4);
        const last = openings.at(-1)?.end ?? from;
        for (let at = from.getTime(); at < last.getTime(); at += 1_800_000) {
          const inside = openings.filter(({ start, end }) => start.getTime() <= at && at < end.getTime()).length;
          expect(inside).toBe(isOpen(schedule, "Europe/Berlin", new Date(at)) ? 1 : 0);
        }
      }),
      { numRuns: 25 },
    );
  });
});

function clock(half: number): string {
  return `${String(Math.floor(half / 2)).padStart(2, "0")}:${half % 2 === 0 ? "00" : "30"}`;
}

describe("a local date-time", () => {
  test.each([
    ["Asia/Bangkok", "2026-11-23T02:00:00Z", "2026-11-23T09:00:00+07:00"],
    ["America/St_Johns", "2026-11-23T02:00:00Z", "2026-11-22T22:30:00-03:30"],
    ["UTC", "2026-11-23T02:00:00Z", "2026-11-23T02:00:00+00:00"],
  ])("in %s names the offset, and the same instant", (zone, at, expected) => {
    expect(localDateTime(zone, new Date(at))).toBe(expected);
    expect(new Date(expected)).toEqual(new Date(at));
  });
});
