import { expect, test } from "vitest";
import { stopTimes } from "./stop-times.ts";

test.each([
  // grace, before the body, all
  [3_600, 5_000, 3_597_000],
  [60, 5_000, 57_000],
  [25, 5_000, 22_000],
  [15, 5_000, 12_000],
  [6, 2_000, 3_000],
  [3, 1_000, 1_500],
  [1, 1_000 / 3, 500],
])("of %d s what has not left is given %d ms, and what has %d ms", (grace, beforeBody, all) => {
  const times = stopTimes(grace);
  expect(times.beforeBodyMilliseconds).toBeCloseTo(beforeBody);
  expect(times.allMilliseconds).toBeCloseTo(all);
});
