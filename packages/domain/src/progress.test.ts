import { expect, test } from "vitest";
import { describeProgress } from "./progress.ts";

test.each([
  [0, 3, "0/3 (0.0%)"],
  [1, 3, "1/3 (33.3%)"],
  [2, 5, "2/5 (40.0%)"],
  [3, 3, "3/3 (100.0%)"],
  [0, 0, "0/0"],
])("progress of %i of %i steps reads %s", (done, total, text) => {
  expect(describeProgress(done, total)).toBe(text);
});
