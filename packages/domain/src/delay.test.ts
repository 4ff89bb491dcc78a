import { describe, expect, test } from "vitest";
import { addDelay, Delay, delayDays, REAL_PACE } from "./delay.ts";
import { BUSINESS_HOURS, type Schedule } from "./schedule.ts";

function added(
  from: string,
  value: number,
  unit: Delay["unit"],
  { schedule = BUSINESS_HOURS, zone = "Asia/Bangkok", pace = REAL_PACE }: Partial<Parameters<typeof addDelay>[2]> = {},
): string {
  return addDelay(new Date(from), { value, unit }, { schedule, zone, pace }).toISOString();
}

describe("a delay", () => {
  test.each([
    [0, "days"],
    [30, "minutes"],
    [3_650, "business_days"],
  ] as const)("of %i %s is accepted", (value, unit) => {
    expect(Delay.parse({ value, unit })).toEqual({ value, unit });
  });

  test.each<[unknown, string, string]>([
    [{ value: -1, unit: "days" }, "value", "a delay's value is a whole number, zero or more"],
    [{ value: 1.5, unit: "days" }, "value", "a delay's value is a whole number, zero or more"],
    [{ value: "3", unit: "days" }, "value", "a delay's value is a whole number, zero or more"],
    [{ value: Number.POSITIVE_INFINITY, unit: "days" }, "value", "a delay's value is a whole number, zero or more"],
    [{ value: 3_651, unit: "days" }, "value", "a delay is at most 3650 days (ten years), not 3651"],
    [{ value: 3_651, unit: "business_days" }, "value", "a delay is at most 3650 business days, not 3651"],
    [{ value: 5_256_001, unit: "minutes" }, "value", "a delay is at most 5256000 minutes (ten years), not 5256001"],
    [{ value: 3, unit: "weeks" }, "unit", 'a delay\'s unit is "minutes", "hours", "days" or "business_days"'],
    [{ value: 3 }, "unit", 'a delay\'s unit is "minutes", "hours", "days" or "business_days"'],
  ])("of %j is refused, with the reason", (delay, path, message) => {
    const issues = Delay.safeParse(delay).error?.issues ?? [];
    expect(issues.map((issue) => [issue.path.join("."), issue.message])).toEqual([[path, message]]);
  });

  test("has a shorthand in days, and only in days", () => {
    expect(delayDays({ value: 3, unit: "days" })).toBe(3);
    expect(delayDays({ value: 0, unit: "days" })).toBe(0);
    expect(delayDays({ value: 72, unit: "hours" })).toBeNull();
    expect(delayDays({ value: 3, unit: "business_days" })).toBeNull();
  });
});

describe("a delay ends", () => {
  const berlin = { zone: "Europe/Berlin" };

  test.each([
    ["after elapsed minutes", "2026-11-22T14:14:00.250Z", 90, "minutes", {}, "2026-11-22T15:44:00.250Z"],
    [
      "after elapsed hours, whatever clocks do",
      "2026-03-28T10:00:00Z",
      24,
      "hours",
      berlin,
      "2026-03-29T10:00:00.000Z",
    ],
    ["at the same local time days later", "2026-11-22T14:14:00.250Z", 3, "days", {}, "2026-11-25T14:14:00.250Z"],
    [
      "at the same local time, though clocks went on",
      "2026-03-28T10:00:00Z",
      1,
      "days",
      berlin,
      "2026-03-29T09:00:00.000Z",
    ],
    [
      "at the same local time, though they went back",
      "2026-10-24T10:00:00Z",
      1,
      "days",
      berlin,
      "2026-10-25T11:00:00.000Z",
    ],
    ["at the end of a gap", "2026-03-28T01:30:00Z", 1, "days", berlin, "2026-03-29T01:00:00.000Z"],
    ["the first time an hour comes", "2026-10-24T00:30:00Z", 1, "days", berlin, "2026-10-25T00:30:00.000Z"],
    [
      "after a date that never was",
      "2011-12-29T20:00:00Z",
      1,
      "days",
      { zone: "Pacific/Apia" },
      "2011-12-30T10:00:00.000Z",
    ],
    ["a year on, over a leap day", "2027-12-31T05:00:00Z", 366, "days", {}, "2028-12-31T05:00:00.000Z"],
    ["at once, if it is zero", "2026-11-22T14:14:00Z", 0, "days", {}, "2026-11-22T14:14:00.000Z"],
    [
      "at once, also in the second pass of an hour",
      "2026-10-25T01:30:00Z",
      0,
      "days",
      berlin,
      "2026-10-25T01:30:00.000Z",
    ],
    ["at once, also on a day off", "2026-11-22T14:14:00Z", 0, "business_days", {}, "2026-11-22T14:14:00.000Z"],
    ["on the next business day", "2026-11-23T05:00:00Z", 1, "business_days", {}, "2026-11-24T05:00:00.000Z"],
    ["on Monday, from a Friday", "2026-11-27T05:00:00Z", 1, "business_days", {}, "2026-11-30T05:00:00.000Z"],
    ["on Monday, from a Sunday", "2026-11-22T14:14:00Z", 1, "business_days", {}, "2026-11-23T14:14:00.000Z"],
    [
      "after two weeks, for ten business days",
      "2026-11-23T05:00:00Z",
      10,
      "business_days",
      {},
      "2026-12-07T05:00:00.000Z",
    ],
    // Friday 23:30 in Bangkok, still Friday afternoon in UTC.
    ["by the local weekday", "2026-11-27T16:30:00Z", 1, "business_days", {}, "2026-11-30T16:30:00.000Z"],
  ] as const)("%s", (_rule, from, value, unit, options, expected) => {
    expect(added(from, value, unit, options)).toBe(expected);
  });

  test("after the closed dates, in business days", () => {
    const schedule = { ...BUSINESS_HOURS, closedDates: ["2026-12-24", "2026-12-25"] };
    expect(added("2026-12-23T05:00:00Z", 1, "business_days", { schedule })).toBe("2026-12-28T05:00:00.000Z");
  });

  test("after the public holidays, in business days; a half day counts", () => {
    const german = { ...BUSINESS_HOURS, holidays: { country: "DE", region: null } };
    // Thursday 24 December to Tuesday: Christmas Day, then a weekend with Boxing Day, then Monday.
    expect(added("2026-12-24T05:00:00Z", 2, "business_days", { schedule: german })).toBe("2026-12-29T05:00:00.000Z");
    const icelandic = { ...BUSINESS_HOURS, holidays: { country: "IS", region: null } };
    expect(added("2026-12-23T05:00:00Z", 1, "business_days", { schedule: icelandic })).toBe("2026-12-24T05:00:00.000Z");
  });

  test("over the days in lieu at a year's end, in business days", () => {
    const british = { ...BUSINESS_HOURS, holidays: { country: "GB", region: null } };
    const options = { schedule: british, zone: "Europe/London" };
    expect(added("2027-12-24T10:00:00Z", 1, "business_days", options)).toBe("2027-12-29T10:00:00.000Z");
    expect(added("2027-12-31T10:00:00Z", 1, "business_days", options)).toBe("2028-01-04T10:00:00.000Z");
  });

  test("on an exceptional opening, in business days", () => {
    const saturday = { date: "2026-11-28", windows: [{ start: "09:00", end: "12:00" }] };
    const schedule = { ...BUSINESS_HOURS, specialHours: [saturday] };
    expect(added("2026-11-27T05:00:00Z", 1, "business_days", { schedule })).toBe("2026-11-28T05:00:00.000Z");
  });

  test("some day, in business days of a schedule that never opens", () => {
    const schedule: Schedule = { ...BUSINESS_HOURS, windows: [] };
    expect(added("2026-01-01T05:00:00Z", 3, "business_days", { schedule })).toBe("2027-02-05T05:00:00.000Z");
  });
});

describe("at a pace of five seconds a day", () => {
  const pace = { dayMilliseconds: 5_000 };

  test.each([
    [3, "days", "2026-11-22T14:14:15.000Z"],
    [3, "business_days", "2026-11-22T14:14:15.000Z"],
    [12, "hours", "2026-11-22T14:14:02.500Z"],
    [1, "minutes", "2026-11-22T14:14:00.003Z"],
    [0, "days", "2026-11-22T14:14:00.000Z"],
  ] as const)("%i %s pass in proportion", (value, unit, expected) => {
    expect(added("2026-11-22T14:14:00Z", value, unit, { pace })).toBe(expected);
  });
});
