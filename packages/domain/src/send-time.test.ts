import { describe, expect, test } from "vitest";
import { BUSINESS_HOURS, type Schedule } from "./schedule.ts";
import { describeClosure, describeDeferral, planSendTime, spreadBounds } from "./send-time.ts";

const zone = "Asia/Bangkok";
const sundayEvening = new Date("2026-11-22T14:14:00Z");
const opensAt = Date.parse("2026-11-23T02:00:00Z");

function plannedAt(seed: string, schedule: Schedule = BUSINESS_HOURS): number {
  const plan = planSendTime({ schedule, zone, dueAt: sundayEvening, seed });
  return plan.kind === "deferred" ? plan.at.getTime() : Number.NaN;
}

describe("when an email goes out", () => {
  test("at once, to the millisecond, if it is due inside a window", () => {
    const dueAt = new Date("2026-11-23T02:00:00.001Z");
    expect(planSendTime({ schedule: BUSINESS_HOURS, zone, dueAt, seed: "a" })).toEqual({ kind: "open", at: dueAt });
  });

  test("at once, without a spread, if it is due at the very opening", () => {
    const dueAt = new Date(opensAt);
    expect(planSendTime({ schedule: BUSINESS_HOURS, zone, dueAt, seed: "a" })).toEqual({ kind: "open", at: dueAt });
  });

  test("after the next opening otherwise; the plan names the window", () => {
    const plan = planSendTime({ schedule: BUSINESS_HOURS, zone, dueAt: sundayEvening, seed: "a" });
    expect(plan).toMatchObject({
      kind: "deferred",
      window: { start: new Date(opensAt), end: new Date("2026-11-23T10:00:00Z") },
    });
  });

  test("never, if the schedule has no windows", () => {
    const schedule = { ...BUSINESS_HOURS, windows: [] };
    expect(planSendTime({ schedule, zone, dueAt: sundayEvening, seed: "a" })).toEqual({ kind: "never" });
  });
});

describe("the spread", () => {
  test("is a promise to rows already written: a seed keeps its place from release to release", () => {
    expect(new Date(plannedAt("01936a5e-0000-7000-8000-000000000001:1")).toISOString()).toBe(
      "2026-11-23T02:03:48.205Z",
    );
  });

  test("fills its minutes evenly, also for seeds that differ in one letter", () => {
    const perMinute = new Array<number>(15).fill(0);
    for (let index = 0; index < 3_000; index += 1) {
      const minute = Math.floor((plannedAt(`execution-${index}`) - opensAt) / 60_000);
      perMinute[minute] = (perMinute[minute] ?? 0) + 1;
    }
    expect(perMinute).toHaveLength(15);
    expect(Math.min(...perMinute)).toBeGreaterThan(140);
    expect(Math.max(...perMinute)).toBeLessThan(260);
  });

  test("of zero means the opening itself", () => {
    expect(plannedAt("a", { ...BUSINESS_HOURS, spreadMinutes: 0 })).toBe(opensAt);
  });

  test("shrinks to a window that is shorter", () => {
    const schedule = { ...BUSINESS_HOURS, windows: [{ weekday: 1, start: "09:00", end: "09:01" }], spreadMinutes: 60 };
    for (let index = 0; index < 200; index += 1) {
      const at = plannedAt(`execution-${index}`, schedule);
      expect(at).toBeGreaterThanOrEqual(opensAt);
      expect(at).toBeLessThan(opensAt + 60_000);
    }
  });
});

describe("what is overdue in an open window", () => {
  const closesAt = Date.parse("2026-11-23T10:00:00Z");

  function overdueAt(dueAt: number, overdueSpreadMinutes: number): number[] {
    return Array.from({ length: 200 }, (_, index) => {
      const request = { schedule: BUSINESS_HOURS, zone, dueAt: new Date(dueAt), seed: `execution-${index}` };
      const plan = planSendTime({ ...request, overdueSpreadMinutes });
      return plan.kind === "open" ? plan.at.getTime() : Number.NaN;
    });
  }

  test("goes out over the minutes it is given from the due instant on", () => {
    const dueAt = opensAt + 3_600_000;
    const at = overdueAt(dueAt, 30);
    expect(Math.min(...at)).toBeGreaterThanOrEqual(dueAt);
    expect(Math.min(...at)).toBeLessThan(dueAt + 60_000);
    expect(Math.max(...at)).toBeLessThan(dueAt + 30 * 60_000);
    expect(Math.max(...at)).toBeGreaterThan(dueAt + 29 * 60_000);
  });

  test("goes out before the window's end, however little is left of it", () => {
    expect(Math.max(...overdueAt(closesAt - 120_000, 30))).toBeLessThan(closesAt);
    expect(overdueAt(closesAt - 1, 30)).toEqual(new Array(200).fill(closesAt - 1));
  });

  test("goes out at once if it is given none", () => {
    expect(overdueAt(opensAt, 0)).toEqual(new Array(200).fill(opensAt));
  });

  test("outside of one is spread over the next opening as ever", () => {
    const request = { schedule: BUSINESS_HOURS, zone, dueAt: sundayEvening, seed: "a" };
    expect(planSendTime({ ...request, overdueSpreadMinutes: 300 })).toEqual(planSendTime(request));
  });
});

test.each([
  [15, "09:00", "17:00", 15],
  [0, "09:00", "17:00", 0],
  [60, "09:00", "09:30", 30],
])("a spread of %i minutes in a window from %s to %s ends after %i", (spreadMinutes, start, end, expected) => {
  const schedule = { ...BUSINESS_HOURS, windows: [{ weekday: 1, start, end }], spreadMinutes };
  const plan = planSendTime({ schedule, zone, dueAt: sundayEvening, seed: "a" });
  expect(plan.kind === "deferred" && spreadBounds(schedule, plan.window)).toEqual({
    earliestAt: new Date(opensAt),
    latestAt: new Date(opensAt + expected * 60_000),
  });
});

describe("an operator reads", () => {
  const window = { start: new Date(opensAt), end: new Date("2026-11-23T10:00:00Z") };

  test("why, until when, and for when", () => {
    const plan = { kind: "deferred", at: new Date("2026-11-23T02:07:59Z"), window } as const;
    expect(describeDeferral({ plan, zone, dueAt: sundayEvening })).toBe(
      "outside the sending window: Sunday 21:14 in Asia/Bangkok; next opening Monday 2026-11-23 09:00, planned for 09:07",
    );
  });

  test("that the date is closed, if it is", () => {
    const schedule = { ...BUSINESS_HOURS, closedDates: ["2026-11-20"] };
    const dueAt = new Date("2026-11-20T03:00:00Z");
    const plan = { kind: "deferred", at: new Date(opensAt), window } as const;
    expect(describeDeferral({ plan, zone, dueAt, schedule })).toBe(
      "outside the sending window: Friday 10:00 in Asia/Bangkok, 2026-11-20 is a closed date; next opening Monday 2026-11-23 09:00, planned for 09:00",
    );
  });

  function deferral(schedule: Schedule, due: string): string {
    const dueAt = new Date(due);
    const plan = planSendTime({ schedule: { ...schedule, spreadMinutes: 0 }, zone, dueAt, seed: "a" });
    if (plan.kind === "open") throw new Error("not deferred");
    return describeDeferral({ plan, zone, dueAt, schedule });
  }

  test("which holidays lie between the due date and the opening, up to three", () => {
    const thai = { ...BUSINESS_HOURS, holidays: { country: "TH", region: null } };
    expect(deferral(thai, "2026-12-10T03:00:00Z")).toBe(
      "outside the sending window: Thursday 10:00 in Asia/Bangkok, 2026-12-10 is a public holiday (Constitution Day); next opening Friday 2026-12-11 09:00, planned for 09:00",
    );
    expect(deferral(thai, "2026-04-10T11:00:00Z")).toContain(
      "in Asia/Bangkok, 2026-04-13 is a public holiday (Songkran Festival), 2026-04-14 is a public holiday (Songkran Festival), 2026-04-15 is a public holiday (Songkran Festival); next opening Thursday 2026-04-16 09:00",
    );
    expect(deferral({ ...thai, closedDates: ["2026-04-16"] }, "2026-04-10T11:00:00Z")).toContain(
      "2026-04-15 is a public holiday (Songkran Festival), and more; next opening Friday 2026-04-17 09:00",
    );
  });

  test("what is special about a date", () => {
    const schedule = {
      ...BUSINESS_HOURS,
      closedDates: ["2026-12-23"],
      holidays: { country: "IS", region: null },
      specialHours: [{ date: "2026-12-22", windows: [{ start: "09:00", end: "10:00" }] }],
    };
    const said = (date: string) => describeClosure(schedule, Date.parse(date) / 86_400_000);
    expect(said("2026-12-21")).toBeNull();
    expect(said("2026-12-22")).toBe("has special hours");
    expect(said("2026-12-23")).toBe("is a closed date");
    expect(said("2026-12-24")).toBe("is a public holiday from 13:00 (Christmas Eve)");
    expect(said("2026-12-25")).toBe("is a public holiday (Christmas Day)");
  });

  test("the date as well, if the spread goes past midnight", () => {
    const plan = { kind: "deferred", at: new Date("2026-11-23T17:03:00Z"), window } as const;
    expect(describeDeferral({ plan, zone, dueAt: sundayEvening })).toMatch(/planned for Tuesday 2026-11-24 00:03$/);
  });

  test("what to do about a schedule that does not open", () => {
    expect(describeDeferral({ plan: { kind: "never" }, zone, dueAt: sundayEvening })).toBe(
      "outside the sending window: Sunday 21:14 in Asia/Bangkok; the schedule does not open within 400 days of 2026-11-22: give it a window",
    );
  });
});
