import { describe, expect, test } from "vitest";
import { delayUntil, isBeyondHorizon, parseWake, wakeJobId } from "./wake.ts";

const now = new Date("2026-03-01T12:00:00Z");
const executionId = "01952f3e-7c1a-7b52-9c42-5d1f0c9a8e11";

describe("wakeJobId", () => {
  test("is the same for the same wake, and another one for every generation and rescue", () => {
    const ids = [
      wakeJobId({ executionId, generation: 1 }),
      wakeJobId({ executionId, generation: 2 }),
      wakeJobId({ executionId, generation: 1 }, "2"),
      wakeJobId({ executionId, generation: 1 }, "3"),
    ];

    expect(wakeJobId({ executionId, generation: 1 })).toBe(`x${executionId}-1`);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test.each(["a:b", "a b", "ä", "x".repeat(101)])("refuses an id that BullMQ could misread: %j", (bad) => {
    expect(() => wakeJobId({ executionId, generation: 1 }, bad)).toThrow(RangeError);
  });
});

describe("delayUntil", () => {
  test.each([
    ["2026-03-01T12:00:01.500Z", 1_500],
    ["2026-03-01T12:00:00Z", 0],
    ["2026-03-01T11:00:00Z", 0],
  ])("%s is %d ms away, never less than none", (at, delay) => {
    expect(delayUntil(new Date(at), now)).toBe(delay);
  });

  test("refuses what is no date, instead of running at once", () => {
    expect(() => delayUntil(new Date(Number.NaN), now)).toThrow(RangeError);
  });
});

test("the horizon is 30 days: exactly that far is queued, a millisecond more is not", () => {
  expect(isBeyondHorizon(new Date("2026-03-31T12:00:00.000Z"), now)).toBe(false);
  expect(isBeyondHorizon(new Date("2026-03-31T12:00:00.001Z"), now)).toBe(true);
});

describe("parseWake", () => {
  test("takes exactly the two fields of a wake", () => {
    expect(parseWake({ executionId, generation: 0, more: true })).toEqual({ executionId, generation: 0 });
  });

  test.each([
    null,
    undefined,
    "x",
    ["list"],
    {},
    { executionId },
    { executionId: 1, generation: 1 },
    { executionId, generation: "1" },
    { executionId, generation: -1 },
    { executionId, generation: 1.5 },
    { executionId: "'; --", generation: 1 },
  ])("%j is no wake", (payload) => {
    expect(parseWake(payload)).toBeUndefined();
  });
});
