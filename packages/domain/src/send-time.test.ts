import { describe, expect, test } from "vitest";
import { BUSINESS_HOURS, type Schedule } from "./schedule.ts";
import { describeDeferral, planSendTime } from "./send-time.ts";

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
