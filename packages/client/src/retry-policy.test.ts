import { expect, test } from "vitest";
import { defaultRetryPolicy, readRetryAfter, retryWait } from "./retry-policy.ts";

const policy = { ...defaultRetryPolicy, firstWaitMilliseconds: 100, waitMillisecondsMax: 300 };
const wait = (attempt: number, random: number, retryAfterSeconds?: number) =>
  retryWait(policy, { attempt, random, retryAfterSeconds });

test("each wait may be twice as long as the one before, to a limit, and at least half of that", () => {
  expect([1, 2, 3].map((attempt) => wait(attempt, 0))).toEqual([50, 100, 150]);
  expect([1, 2, 3].map((attempt) => wait(attempt, 1))).toEqual([100, 200, 300]);
});

test("the last attempt is the last", () => {
  expect(wait(4, 0)).toBeUndefined();
});

test("what Retry-After asks for is waited for in full, with jitter on top", () => {
  expect(wait(1, 0, 3)).toBe(3_050);
  expect(wait(1, 1, 3)).toBe(3_100);
});

test("a Retry-After beyond the limit is not waited for", () => {
  expect(wait(1, 0, 60)).toBeDefined();
  expect(wait(1, 0, 61)).toBeUndefined();
});

test.each([
  ["7", 7],
  ["Thu, 01 Jan 2026 00:00:30 GMT", 30],
  ["Wed, 31 Dec 2025 23:00:00 GMT", 0],
  ["soon", undefined],
  [null, undefined],
])("Retry-After: %s asks for %s seconds", (header, seconds) => {
  expect(readRetryAfter(header, new Date("2026-01-01T00:00:00Z"))).toBe(seconds);
});
