import fc from "fast-check";
import { expect, test } from "vitest";
import { backoffMilliseconds } from "./backoff.ts";

const minute = 60_000;

test.each([
  [1, 5],
  [2, 10],
  [3, 20],
  [7, 240],
  [50, 240],
])("after attempt %i the wait is %i minutes, give or take a fifth", (attempt, minutes) => {
  fc.assert(
    fc.property(fc.string(), (seed) => {
      const wait = backoffMilliseconds(attempt, seed);
      expect(wait).toBeGreaterThanOrEqual(minutes * minute * 0.8);
      expect(wait).toBeLessThanOrEqual(minutes * minute * 1.2);
    }),
  );
});

test("the same execution waits the same time whoever computes it", () => {
  expect(backoffMilliseconds(2, "a")).toBe(backoffMilliseconds(2, "a"));
});

test("messages refused together do not come back together", () => {
  const waits = new Set(Array.from({ length: 100 }, (_, i) => backoffMilliseconds(1, `execution-${i}`)));
  expect(waits.size).toBeGreaterThan(95);
});

test("a compressed day compresses the wait", () => {
  expect(backoffMilliseconds(1, "a", { dayMilliseconds: 5_000 })).toBeLessThan(25);
});
