import { describe, expect, test } from "vitest";
import { ALWAYS_OPEN, BUSINESS_HOURS, Schedule } from "./schedule.ts";

const window = { weekday: 1, start: "09:00", end: "17:00" };
const valid = { timezone: "UTC", windows: [window], closedDates: [], usesContactTimezone: false };

describe("a schedule is accepted", () => {
  test("and spreads over 15 minutes, without holidays and special hours, if it does not say", () => {
    expect(Schedule.parse(valid)).toEqual({ ...valid, holidays: null, specialHours: [], spreadMinutes: 15 });
    expect(Schedule.parse({ ...valid, spreadMinutes: 0 }).spreadMinutes).toBe(0);
  });

  test.each([
    ["several windows a day", [window, { weekday: 1, start: "18:00", end: "19:00" }]],
    ["windows that overlap", [window, { weekday: 1, start: "16:00", end: "19:00" }]],
    ["overnight", [{ weekday: 7, start: "22:00", end: "06:00" }]],
    ["until midnight", [{ weekday: 1, start: "00:00", end: "24:00" }]],
    ["once around the clock", [{ weekday: 1, start: "08:00", end: "08:00" }]],
    ["no windows", []],
  ])("with %s", (_what, windows) => {
    expect(Schedule.parse({ ...valid, windows }).windows).toEqual(windows);
  });

  test("with a leap day closed", () => {
    expect(Schedule.parse({ ...valid, closedDates: ["2028-02-29"] }).closedDates).toEqual(["2028-02-29"]);
  });
});

describe("a schedule is accepted with holidays", () => {
  test.each([
    ["of a country", { country: "TH", region: null }],
    ["of a region", { country: "DE", region: "BY" }],
    ["of a part of a region", { country: "US", region: "LA.NO" }],
    ["of a region with a long name", { country: "CK", region: "PALMERSTON" }],
    ["of nobody", null],
  ])("%s", (_whose, holidays) => {
    expect(Schedule.parse({ ...valid, holidays }).holidays).toEqual(holidays);
  });

  test("of a country, if no region is named", () => {
    expect(Schedule.parse({ ...valid, holidays: { country: "DE" } }).holidays).toEqual({ country: "DE", region: null });
  });

  test("and special hours, overnight ones as well", () => {
    const specialHours = [{ date: "2028-02-29", windows: [{ start: "22:00", end: "02:00" }] }];
    expect(Schedule.parse({ ...valid, closedDates: ["2028-02-28"], specialHours }).specialHours).toEqual(specialHours);
  });
});

const hours = [{ start: "09:00", end: "12:00" }];
const eve = { date: "2026-12-24", windows: hours };

test.each<[unknown, string, string]>([
  [{ windows: [{ ...window, weekday: 0 }] }, "windows.0.weekday", "a weekday is 1 (Monday) to 7 (Sunday)"],
  [{ windows: [{ ...window, weekday: 8 }] }, "windows.0.weekday", "a weekday is 1 (Monday) to 7 (Sunday)"],
  [{ windows: [{ ...window, weekday: 1.5 }] }, "windows.0.weekday", "a weekday is 1 (Monday) to 7 (Sunday)"],
  [{ windows: [{ ...window, weekday: "mon" }] }, "windows.0.weekday", "a weekday is 1 (Monday) to 7 (Sunday)"],
  [{ windows: [window, { ...window, start: "9:00" }] }, "windows.1.start", 'starts at "HH:MM"'],
  [{ windows: [{ ...window, start: "24:00" }] }, "windows.0.start", '"00:00" to "23:59"'],
  [{ windows: [{ ...window, start: "09:60" }] }, "windows.0.start", 'starts at "HH:MM"'],
  [{ windows: [{ ...window, start: "09:00\n" }] }, "windows.0.start", 'starts at "HH:MM"'],
  [{ windows: [{ weekday: 1, end: "17:00" }] }, "windows.0.start", 'starts at "HH:MM"'],
  [{ windows: [{ ...window, end: "24:01" }] }, "windows.0.end", '"00:00" to "24:00"'],
  [{ windows: [{ ...window, end: "5 pm" }] }, "windows.0.end", 'ends at "HH:MM"'],
  [{ windows: Array.from({ length: 169 }, () => window) }, "windows", "at most 168 windows a week"],
  [{ closedDates: ["2026-02-29"] }, "closedDates.0", 'a real calendar date, "YYYY-MM-DD"'],
  [{ closedDates: ["31.12.2026"] }, "closedDates.0", 'a real calendar date, "YYYY-MM-DD"'],
  [{ closedDates: ["2026-12-31T00:00:00Z"] }, "closedDates.0", 'a real calendar date, "YYYY-MM-DD"'],
  [{ holidays: { country: "XX", region: null } }, "holidays.country", 'there is no holiday calendar for "XX"'],
  [{ holidays: { country: "de", region: null } }, "holidays.country", "two capital letters"],
  [{ holidays: { country: "DE", region: "ZZ" } }, "holidays.region", "its regions are"],
  [{ holidays: { country: "DE", region: "by" } }, "holidays.region", 'a code such as "BY"'],
  [{ holidays: { country: "JP", region: "13" } }, "holidays.region", "leave the region out"],
  [{ specialHours: [{ ...eve, date: "2026-02-29" }] }, "specialHours.0.date", "a real calendar date"],
  [{ specialHours: [{ ...eve, windows: [] }] }, "specialHours.0.windows", "belongs among the closed dates"],
  [
    { specialHours: [{ ...eve, windows: [{ start: "24:00", end: "12:00" }] }] },
    "specialHours.0.windows.0.start",
    "24-hour clock",
  ],
  [{ specialHours: [eve, eve] }, "specialHours.1.date", "2026-12-24 has special hours twice"],
  [{ specialHours: [eve], closedDates: ["2026-12-24"] }, "specialHours.0.date", "can only be one of them"],
  [{ timezone: "UTC+7" }, "timezone", '"UTC+7" is not an IANA time zone'],
  [{ spreadMinutes: -1 }, "spreadMinutes", "a whole number of minutes, 0 to 1440"],
  [{ spreadMinutes: 0.5 }, "spreadMinutes", "a whole number of minutes, 0 to 1440"],
  [{ spreadMinutes: 1441 }, "spreadMinutes", "a whole number of minutes, 0 to 1440"],
  [{ usesContactTimezone: "yes" }, "usesContactTimezone", "is true or false"],
])("a schedule with %j is refused, and %s is told why", (wrong, path, message) => {
  const issues = Schedule.safeParse({ ...valid, ...(wrong as object) }).error?.issues ?? [];
  expect(issues.map((issue) => issue.path.join("."))).toEqual([path]);
  expect(issues[0]?.message).toContain(message);
});

test.each([
  ["business hours", BUSINESS_HOURS],
  ["always open", ALWAYS_OPEN],
])("%s is a valid schedule that nobody can change for everybody", (_name, schedule) => {
  expect(Schedule.parse(schedule)).toEqual(schedule);
  expect(() => schedule.windows.pop()).toThrow(TypeError);
  expect(() => schedule.closedDates.push("2026-12-31")).toThrow(TypeError);
  expect(() => schedule.specialHours.push(eve)).toThrow(TypeError);
  expect(() => Object.assign(schedule, { timezone: "UTC" })).toThrow(TypeError);
  expect(() => Object.assign(schedule.windows[0] ?? {}, { start: "03:00" })).toThrow(TypeError);
});
