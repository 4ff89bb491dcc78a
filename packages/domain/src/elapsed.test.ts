import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { REAL_PACE } from "./delay.ts";
import { describeElapsed, Elapsed, elapsedMilliseconds } from "./elapsed.ts";
import { DAY, MINUTE } from "./local-time.ts";

const anyElapsed = fc.record({
  value: fc.integer({ min: 0, max: 3_650 }),
  unit: fc.constantFrom("minutes" as const, "hours" as const, "days" as const),
});

describe("a length of time", () => {
  test.each([
    [0, "minutes"],
    [5_256_000, "minutes"],
    [87_600, "hours"],
    [3_650, "days"],
  ] as const)("may be %d %s", (value, unit) => {
    expect(Elapsed.parse({ value, unit })).toEqual({ value, unit });
  });

  test.each([
    [5_256_001, "minutes"],
    [87_601, "hours"],
    [3_651, "days"],
  ] as const)("of %d %s is longer than ten years", (value, unit) => {
    const [issue, ...others] = Elapsed.safeParse({ value, unit }).error?.issues ?? [];
    expect(issue).toMatchObject({ path: ["value"], message: "is longer than ten years" });
    expect(others).toEqual([]);
  });

  test.each([
    ["a negative number", { value: -1, unit: "days" }, "is a whole number, zero or more"],
    ["a fraction", { value: 1.5, unit: "days" }, "is a whole number, zero or more"],
    ["a word", { value: "1", unit: "days" }, "is a whole number, zero or more"],
    ["a unit that needs a calendar", { value: 1, unit: "business_days" }, 'is "minutes", "hours" or "days"'],
    ["no unit", { value: 1 }, 'is "minutes", "hours" or "days"'],
  ])("is not %s", (_what, input, message) => {
    expect(Elapsed.safeParse(input).error?.issues.map((issue) => issue.message)).toEqual([message]);
  });
});

describe("how long it takes", () => {
  test.each([
    [{ value: 0, unit: "days" }, 0],
    [{ value: 90, unit: "minutes" }, 90 * MINUTE],
    [{ value: 2, unit: "hours" }, 120 * MINUTE],
    [{ value: 3, unit: "days" }, 3 * DAY],
  ] as const)("%o is %d milliseconds", (elapsed, milliseconds) => {
    expect(elapsedMilliseconds(elapsed)).toBe(milliseconds);
  });

  test("passes at the pace of delays: where a day lasts a minute, twelve hours last half a minute", () => {
    expect(elapsedMilliseconds({ value: 12, unit: "hours" }, { dayMilliseconds: MINUTE })).toBe(30_000);
    expect(elapsedMilliseconds({ value: 1, unit: "days" }, { dayMilliseconds: MINUTE })).toBe(MINUTE);
  });

  test("is a whole, never negative number of milliseconds at any pace, and no shorter for a longer time", () => {
    fc.assert(
      fc.property(anyElapsed, fc.integer({ min: 1, max: DAY }), (elapsed, dayMilliseconds) => {
        const takes = elapsedMilliseconds(elapsed, { dayMilliseconds });
        expect(Number.isInteger(takes)).toBe(true);
        expect(takes).toBeGreaterThanOrEqual(0);
        expect(takes).toBeLessThanOrEqual(elapsedMilliseconds(elapsed, REAL_PACE));
        const longer = { ...elapsed, value: elapsed.value + 1 };
        expect(elapsedMilliseconds(longer, { dayMilliseconds })).toBeGreaterThanOrEqual(takes);
      }),
    );
  });
});

test.each([
  [{ value: 1, unit: "days" }, "1 day"],
  [{ value: 1, unit: "minutes" }, "1 minute"],
  [{ value: 0, unit: "hours" }, "0 hours"],
  [{ value: 4, unit: "hours" }, "4 hours"],
] as const)("%o reads as %s", (elapsed, text) => {
  expect(describeElapsed(elapsed)).toBe(text);
});
