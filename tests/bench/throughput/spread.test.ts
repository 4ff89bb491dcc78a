import { expect, test } from "vitest";
import { spreadOf } from "./spread.ts";

test("the median of an even number of runs lies between the two in the middle", () => {
  expect(spreadOf([10, 2, 1, 3])).toEqual({ median: 2.5, min: 1, max: 10 });
  expect(spreadOf([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
  expect(spreadOf([7])).toEqual({ median: 7, min: 7, max: 7 });
});

test("nothing measured is no number", () => {
  expect(() => spreadOf([])).toThrow(RangeError);
});
