import { describe, expect, test } from "vitest";
import { ALWAYS_OPEN, BUSINESS_HOURS, type Schedule, type WeeklyWindow } from "./schedule.ts";
import { closureOn, hasWindowOn, isOpen, nextWindow } from "./window.ts";

function weekly(windows: WeeklyWindow[], closedDates: string[] = []): Schedule {
  return {
    timezone: "UTC",
    windows,
    closedDates,
    holidays: null,
    specialHours: [],
    usesContactTimezone: false,
    spreadMinutes: 15,
  };
}

function daily(start: string, end: string): Schedule {
  return weekly([1, 2, 3, 4, 5, 6, 7].map((weekday) => ({ weekday, start, end })));
}

function nextIn(schedule: Schedule, zone: string, from: string): [string, string] | null {
  const window = nextWindow(schedule, zone, new Date(from));
  return window && [window.start.toISOString().slice(0, 16), window.end.toISOString().slice(0, 16)];
}

describe("business hours in Bangkok", () => {
  test.each([
    ["Monday 08:59:59.999", "2026-11-23T01:59:59.999Z", false],
    ["Monday 09:00, the first instant", "2026-11-23T02:00:00Z", true],
    ["Monday 16:59:59.999, the last", "2026-11-23T09:59:59.999Z", true],
    ["Monday 17:00, no longer", "2026-11-23T10:00:00Z", false],
    ["Friday 16:00", "2026-11-27T09:00:00Z", true],
    ["Saturday 10:00", "2026-11-28T03:00:00Z", false],
    ["Sunday 21:14", "2026-11-22T14:14:00Z", false],
    ["Monday 00:30, a Sunday in UTC", "2026-11-22T17:30:00Z", false],
  ])("%s", (_when, at, expected) => {
    expect(isOpen(BUSINESS_HOURS, "Asia/Bangkok", new Date(at))).toBe(expected);
  });

  test("the weekday is the local one, not that of UTC", () => {
    // Monday 09:30 in Kiritimati is Sunday in UTC; Friday 16:30 in Honolulu is Saturday in UTC.
    expect(isOpen(BUSINESS_HOURS, "Pacific/Kiritimati", new Date("2026-11-22T19:30:00Z"))).toBe(true);
    expect(isOpen(BUSINESS_HOURS, "Pacific/Honolulu", new Date("2026-11-28T02:30:00Z"))).toBe(true);
  });

  test.each([
    ["from a Sunday, Monday's", "2026-11-22T14:14:00Z", ["2026-11-23T02:00", "2026-11-23T10:00"]],
    ["from inside, that one with its own start", "2026-11-23T05:00:00Z", ["2026-11-23T02:00", "2026-11-23T10:00"]],
    ["from its first instant, that one", "2026-11-23T02:00:00Z", ["2026-11-23T02:00", "2026-11-23T10:00"]],
    ["from its end, the next day's", "2026-11-23T10:00:00Z", ["2026-11-24T02:00", "2026-11-24T10:00"]],
    ["from a Friday evening, Monday's", "2026-11-27T10:00:00Z", ["2026-11-30T02:00", "2026-11-30T10:00"]],
    ["over the year's end", "2026-12-31T12:00:00Z", ["2027-01-01T02:00", "2027-01-01T10:00"]],
    ["onto a leap day", "2028-02-28T12:00:00Z", ["2028-02-29T02:00", "2028-02-29T10:00"]],
  ])("the next window %s", (_rule, from, expected) => {
    expect(nextIn(BUSINESS_HOURS, "Asia/Bangkok", from)).toEqual(expected);
  });
});

describe("an overnight window belongs to the day it starts on", () => {
  const mondayNight = weekly([{ weekday: 1, start: "22:00", end: "06:00" }]);

  test.each([
    ["Monday 05:59", "2026-11-23T05:59:00Z", false],
    ["Monday 22:00", "2026-11-23T22:00:00Z", true],
    ["Tuesday 05:59", "2026-11-24T05:59:00Z", true],
    ["Tuesday 06:00", "2026-11-24T06:00:00Z", false],
    ["Tuesday 22:00", "2026-11-24T22:00:00Z", false],
  ])("%s", (_when, at, expected) => {
    expect(isOpen(mondayNight, "UTC", new Date(at))).toBe(expected);
  });

  test("the same start and end last around the clock", () => {
    const schedule = weekly([{ weekday: 1, start: "08:00", end: "08:00" }]);
    expect(nextIn(schedule, "UTC", "2026-11-24T07:59:00Z")).toEqual(["2026-11-23T08:00", "2026-11-24T08:00"]);
  });
});

describe("a closed date", () => {
  const nights = daily("22:00", "06:00");
  const closed = { ...nights, closedDates: ["2026-12-24"] };

  test("closes the windows that start on it, also after midnight", () => {
    expect(isOpen(closed, "UTC", new Date("2026-12-24T23:00:00Z"))).toBe(false);
    expect(isOpen(closed, "UTC", new Date("2026-12-25T03:00:00Z"))).toBe(false);
  });

  test("leaves the evening before to end in its morning", () => {
    expect(isOpen(closed, "UTC", new Date("2026-12-24T03:00:00Z"))).toBe(true);
  });

  test("is a date of the zone in which the schedule is read", () => {
    const schedule = { ...BUSINESS_HOURS, closedDates: ["2026-11-24"] };
    // Tuesday 08:00 in Auckland begins on Monday in UTC.
    expect(nextIn(schedule, "Pacific/Auckland", "2026-11-23T19:00:00Z")).toEqual([
      "2026-11-24T20:00",
      "2026-11-25T04:00",
    ]);
  });
});

describe("special hours of a date", () => {
  const halfDay = { date: "2026-12-24", windows: [{ start: "09:00", end: "12:00" }] };

  test("take the place of the week's", () => {
    const schedule = { ...daily("08:00", "18:00"), specialHours: [halfDay] };
    expect(nextIn(schedule, "UTC", "2026-12-24T00:00:00Z")).toEqual(["2026-12-24T09:00", "2026-12-24T12:00"]);
    expect(nextIn(schedule, "UTC", "2026-12-24T12:00:00Z")).toEqual(["2026-12-25T08:00", "2026-12-25T18:00"]);
  });

  test("open a date on which the week has no window", () => {
    const sunday = { date: "2026-11-22", windows: [{ start: "10:00", end: "14:00" }] };
    expect(nextIn({ ...BUSINESS_HOURS, specialHours: [sunday] }, "UTC", "2026-11-20T20:00:00Z")).toEqual([
      "2026-11-22T10:00",
      "2026-11-22T14:00",
    ]);
  });

  test("open a schedule that has no weekly windows at all", () => {
    expect(nextIn({ ...weekly([]), specialHours: [halfDay] }, "UTC", "2026-11-22T00:00:00Z")).toEqual([
      "2026-12-24T09:00",
      "2026-12-24T12:00",
    ]);
  });

  test("count before a closed date and a public holiday", () => {
    const christmas = { date: "2026-12-25", windows: [{ start: "10:00", end: "11:00" }] };
    const schedule = {
      ...daily("08:00", "18:00"),
      closedDates: ["2026-12-24"],
      holidays: { country: "DE", region: null },
      specialHours: [halfDay, christmas],
    };
    expect(isOpen(schedule, "UTC", new Date("2026-12-24T09:00:00Z"))).toBe(true);
    expect(isOpen(schedule, "UTC", new Date("2026-12-25T10:30:00Z"))).toBe(true);
    expect(isOpen(schedule, "UTC", new Date("2026-12-26T10:30:00Z"))).toBe(false);
  });

  test("can run overnight, and lie beside what began the evening before", () => {
    const night = { date: "2026-12-24", windows: [{ start: "04:00", end: "02:00" }] };
    const schedule = { ...daily("22:00", "06:00"), specialHours: [night] };
    expect(nextIn(schedule, "UTC", "2026-12-24T05:00:00Z")).toEqual(["2026-12-23T22:00", "2026-12-24T06:00"]);
    expect(nextIn(schedule, "UTC", "2026-12-24T06:00:00Z")).toEqual(["2026-12-24T04:00", "2026-12-25T02:00"]);
    expect(nextIn(schedule, "UTC", "2026-12-25T02:00:00Z")).toEqual(["2026-12-25T22:00", "2026-12-26T06:00"]);
  });
});

describe("a public holiday", () => {
  function withHolidays(schedule: Schedule, country: string, region: string | null = null): Schedule {
    return { ...schedule, holidays: { country, region } };
  }

  test.each<[string, Schedule, string, string, [string, string]]>([
    [
      "is passed over",
      withHolidays(BUSINESS_HOURS, "TH"),
      "Asia/Bangkok",
      "2026-04-10T10:00Z",
      ["2026-04-16T02:00", "2026-04-16T10:00"],
    ],
    [
      "is one of a region",
      withHolidays(BUSINESS_HOURS, "DE", "BY"),
      "Europe/Berlin",
      "2026-06-03T20:00Z",
      ["2026-06-05T07:00", "2026-06-05T15:00"],
    ],
    [
      "is none elsewhere",
      withHolidays(BUSINESS_HOURS, "DE"),
      "Europe/Berlin",
      "2026-06-03T20:00Z",
      ["2026-06-04T07:00", "2026-06-04T15:00"],
    ],
    [
      "is made up for on a Friday",
      withHolidays(BUSINESS_HOURS, "US"),
      "America/New_York",
      "2026-07-03T02:00Z",
      ["2026-07-06T13:00", "2026-07-06T21:00"],
    ],
    [
      "is made up for before the year's end",
      withHolidays(BUSINESS_HOURS, "US"),
      "America/New_York",
      "2021-12-31T02:00Z",
      ["2022-01-03T14:00", "2022-01-03T22:00"],
    ],
    [
      "is made up for after two in a row",
      withHolidays(BUSINESS_HOURS, "GB"),
      "Europe/London",
      "2027-12-24T20:00Z",
      ["2027-12-29T09:00", "2027-12-29T17:00"],
    ],
    [
      "is a date of the zone in which the schedule is read",
      withHolidays(BUSINESS_HOURS, "TH"),
      "America/New_York",
      "2026-04-13T02:00Z",
      ["2026-04-16T13:00", "2026-04-16T21:00"],
    ],
    [
      "leaves a leap day alone",
      withHolidays(BUSINESS_HOURS, "JP"),
      "Asia/Tokyo",
      "2028-02-28T20:00Z",
      ["2028-02-29T00:00", "2028-02-29T08:00"],
    ],
    [
      "from 13:00 on ends a window then",
      withHolidays(BUSINESS_HOURS, "IS"),
      "Atlantic/Reykjavik",
      "2026-12-23T20:00Z",
      ["2026-12-24T09:00", "2026-12-24T13:00"],
    ],
    [
      "from 13:00 on leaves out what starts later, also past midnight",
      withHolidays(daily("18:00", "03:00"), "IS"),
      "Atlantic/Reykjavik",
      "2026-12-24T04:00Z",
      ["2026-12-27T18:00", "2026-12-28T03:00"],
    ],
    [
      "leaves the evening before to end in its morning",
      withHolidays(daily("22:00", "06:00"), "DE"),
      "Europe/Berlin",
      "2026-12-25T03:00Z",
      ["2026-12-24T21:00", "2026-12-25T05:00"],
    ],
  ])("%s", (_rule, schedule, zone, from, expected) => {
    expect(nextIn(schedule, zone, from)).toEqual(expected);
  });

  test("that leaves the morning open is still a day with a window; a whole one is not", () => {
    const schedule = withHolidays(daily("09:00", "17:00"), "IS");
    const eve = Date.UTC(2026, 11, 24) / 86_400_000;
    expect(hasWindowOn(schedule, "UTC", eve)).toBe(true);
    expect(hasWindowOn(schedule, "UTC", eve + 1)).toBe(false);
    expect(hasWindowOn(withHolidays(daily("13:00", "17:00"), "IS"), "UTC", eve)).toBe(false);
  });

  test("of a calendar that does not exist is thrown back", () => {
    expect(() => isOpen(withHolidays(BUSINESS_HOURS, "XX"), "UTC", new Date("2026-12-25T10:00Z"))).toThrow(
      'there is no holiday calendar for "XX"',
    );
  });
});

test.each([
  ["2026-12-23", null],
  ["2026-12-24", { kind: "special_hours" }],
  ["2026-12-25", { kind: "holiday", name: "Christmas Day", closedFromMinute: 0 }],
  ["2026-12-26", { kind: "closed_date" }],
  ["2026-12-27", null],
  ["2026-12-28", { kind: "special_hours" }],
  ["2026-12-31", { kind: "holiday", name: "New Year's Eve", closedFromMinute: 780 }],
])("what takes the place of the week is named by what counts first: on %s %j", (date, expected) => {
  const hours = [{ start: "09:00", end: "10:00" }];
  const schedule = {
    ...BUSINESS_HOURS,
    closedDates: ["2026-12-26", "2026-12-28"],
    holidays: { country: "IS", region: null },
    specialHours: [
      { date: "2026-12-24", windows: hours },
      { date: "2026-12-28", windows: hours },
    ],
  };
  expect(closureOn(schedule, Date.parse(date) / 86_400_000)).toEqual(expected);
});

describe("several windows", () => {
  test("on one day are taken in the order of the clock, however they are written", () => {
    const schedule = weekly([
      { weekday: 1, start: "14:00", end: "17:00" },
      { weekday: 1, start: "09:00", end: "12:00" },
    ]);
    expect(nextIn(schedule, "UTC", "2026-11-23T08:00:00Z")).toEqual(["2026-11-23T09:00", "2026-11-23T12:00"]);
    expect(nextIn(schedule, "UTC", "2026-11-23T12:00:00Z")).toEqual(["2026-11-23T14:00", "2026-11-23T17:00"]);
  });

  test("that touch leave no instant between them", () => {
    const schedule = weekly([
      { weekday: 1, start: "09:00", end: "12:00" },
      { weekday: 1, start: "12:00", end: "17:00" },
    ]);
    expect(isOpen(schedule, "UTC", new Date("2026-11-23T11:59:59.999Z"))).toBe(true);
    expect(isOpen(schedule, "UTC", new Date("2026-11-23T12:00:00Z"))).toBe(true);
  });

  test("that overlap are open until the last of them ends; the one that started first is named", () => {
    const schedule = weekly([
      { weekday: 1, start: "11:00", end: "17:00" },
      { weekday: 1, start: "09:00", end: "12:00" },
    ]);
    expect(isOpen(schedule, "UTC", new Date("2026-11-23T16:59:00Z"))).toBe(true);
    expect(nextIn(schedule, "UTC", "2026-11-23T11:30:00Z")).toEqual(["2026-11-23T09:00", "2026-11-23T12:00"]);
  });

  test("that start together are named by the longest", () => {
    const schedule = weekly([
      { weekday: 1, start: "09:00", end: "12:00" },
      { weekday: 1, start: "09:00", end: "17:00" },
      { weekday: 1, start: "09:00", end: "10:00" },
    ]);
    expect(nextIn(schedule, "UTC", "2026-11-23T08:00:00Z")).toEqual(["2026-11-23T09:00", "2026-11-23T17:00"]);
  });
});

describe("a schedule that does not open", () => {
  const from = new Date("2026-01-01T00:00:00Z");

  test("has no next window if it has no windows", () => {
    expect(nextWindow(weekly([]), "UTC", from)).toBeNull();
    expect(isOpen(weekly([]), "UTC", from)).toBe(false);
  });

  function closedFor(days: number): Schedule {
    const dates = Array.from({ length: days }, (_, index) => new Date(from.getTime() + index * 86_400_000));
    return { ...daily("09:00", "17:00"), closedDates: dates.map((date) => date.toISOString().slice(0, 10)) };
  }

  test("for 400 days is still waited for", () => {
    expect(nextWindow(closedFor(400), "UTC", from)?.start).toEqual(new Date("2027-02-05T09:00:00Z"));
  });

  test("for longer is not", () => {
    expect(nextWindow(closedFor(401), "UTC", from)).toBeNull();
  });
});

describe("when clocks change, a window", () => {
  test.each<[string, string, Schedule, string, [string, string]]>([
    [
      "that starts in the gap starts at its end",
      "Europe/Berlin",
      daily("02:30", "04:00"),
      "2026-03-29T00:00:00Z",
      ["2026-03-29T01:00", "2026-03-29T02:00"],
    ],
    [
      "that ends in the gap ends with it",
      "Europe/Berlin",
      daily("01:00", "02:30"),
      "2026-03-29T00:00:00Z",
      ["2026-03-29T00:00", "2026-03-29T01:00"],
    ],
    [
      "in the gap entirely does not exist",
      "Europe/Berlin",
      daily("02:10", "02:50"),
      "2026-03-29T00:00:00Z",
      ["2026-03-30T00:10", "2026-03-30T00:50"],
    ],
    [
      "that is exactly the gap does not exist",
      "Europe/Berlin",
      daily("02:00", "03:00"),
      "2026-03-29T00:00:00Z",
      ["2026-03-30T00:00", "2026-03-30T01:00"],
    ],
    [
      "around the repeated hour is open through both passes",
      "Europe/Berlin",
      daily("01:00", "04:00"),
      "2026-10-24T12:00:00Z",
      ["2026-10-24T23:00", "2026-10-25T03:00"],
    ],
    [
      "that starts in the repeated hour starts the first time",
      "Europe/Berlin",
      daily("02:30", "04:00"),
      "2026-10-24T12:00:00Z",
      ["2026-10-25T00:30", "2026-10-25T03:00"],
    ],
    [
      "that ends in the repeated hour ends the first time",
      "Europe/Berlin",
      daily("01:00", "02:30"),
      "2026-10-24T12:00:00Z",
      ["2026-10-24T23:00", "2026-10-25T00:30"],
    ],
    [
      "inside the repeated hour is open once",
      "Europe/Berlin",
      daily("02:10", "02:40"),
      "2026-10-25T00:45:00Z",
      ["2026-10-26T01:10", "2026-10-26T01:40"],
    ],
    [
      "keeps its local hours after the change",
      "America/New_York",
      BUSINESS_HOURS,
      "2026-11-01T12:00:00Z",
      ["2026-11-02T14:00", "2026-11-02T22:00"],
    ],
    [
      "from a midnight that does not exist starts at 01:00",
      "America/Sao_Paulo",
      daily("00:00", "08:00"),
      "2018-11-04T02:30:00Z",
      ["2018-11-04T03:00", "2018-11-04T10:00"],
    ],
    [
      "until a midnight that is put off lasts an hour longer",
      "America/Sao_Paulo",
      daily("22:00", "24:00"),
      "2018-02-17T12:00:00Z",
      ["2018-02-18T00:00", "2018-02-18T03:00"],
    ],
    [
      "shifts by half an hour in Lord Howe",
      "Australia/Lord_Howe",
      daily("02:00", "03:00"),
      "2026-10-03T12:00:00Z",
      ["2026-10-03T15:30", "2026-10-03T16:00"],
    ],
    [
      "of a date that never was is passed over",
      "Pacific/Apia",
      daily("09:00", "17:00"),
      "2011-12-30T05:00:00Z",
      ["2011-12-30T19:00", "2011-12-31T03:00"],
    ],
  ])("%s (%s)", (_rule, zone, schedule, from, expected) => {
    expect(nextIn(schedule, zone, from)).toEqual(expected);
  });

  test("that has started stays open when the clock goes back to yesterday", () => {
    // St John's, 2010: Sunday 00:01 became Saturday 23:01. Saturday has no window.
    const sundays = weekly([{ weekday: 7, start: "00:00", end: "12:00" }]);
    expect(isOpen(sundays, "America/St_Johns", new Date("2010-11-07T02:29:00Z"))).toBe(false);
    expect(isOpen(sundays, "America/St_Johns", new Date("2010-11-07T02:30:00Z"))).toBe(true);
    expect(isOpen(sundays, "America/St_Johns", new Date("2010-11-07T03:00:00Z"))).toBe(true);
  });

  test("of a schedule that never closes never closes", () => {
    for (let hour = 0; hour < 24 * 366; hour += 1) {
      const at = new Date(Date.UTC(2018, 0, 1, hour, 30));
      expect(isOpen(ALWAYS_OPEN, "America/Sao_Paulo", at)).toBe(true);
    }
  });
});

test("windows of two dates that a gap starts together are named in the order of their dates", () => {
  const schedule = weekly([
    { weekday: 5, start: "23:00", end: "23:00" },
    { weekday: 6, start: "00:00", end: "24:00" },
  ]);
  // Friday 2011-12-30 never was: both start with Saturday, at 10:00 UTC on Friday.
  expect(nextIn(schedule, "Pacific/Apia", "2011-12-30T05:00:00Z")).toEqual(["2011-12-30T10:00", "2011-12-31T09:00"]);
});

test("a date that never was has no window, even if one would have run overnight", () => {
  const missing = Date.UTC(2011, 11, 30) / 86_400_000;
  const nights = daily("22:00", "06:00");
  expect([missing - 1, missing, missing + 1].map((day) => hasWindowOn(nights, "Pacific/Apia", day))).toEqual([
    true,
    false,
    true,
  ]);
});

test("a zone that is none and an invalid date are thrown back", () => {
  expect(() => isOpen(BUSINESS_HOURS, "+07:00", new Date())).toThrow('"+07:00" is not an IANA time zone');
  expect(() => nextWindow(BUSINESS_HOURS, "Asia/Bangkok", new Date(Number.NaN))).toThrow("the date is invalid");
});
