import { expect, test } from "vitest";
import { countCrash, restartDelayMilliseconds } from "./restart-delay.ts";

test("crash after crash the pause doubles, up to half a minute", () => {
  expect([1, 2, 3, 6, 7, 8, 1_000].map(restartDelayMilliseconds)).toEqual([
    500, 1_000, 2_000, 16_000, 30_000, 30_000, 30_000,
  ]);
});

test("a process that ran for a minute was healthy: its crash counts as the first", () => {
  expect(countCrash(5, 59_999)).toBe(6);
  expect(countCrash(5, 60_000)).toBe(1);
});
