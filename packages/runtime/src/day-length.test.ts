import { expect, test } from "vitest";
import { parseDayLength } from "./day-length.ts";

test.each([
  ["5s", 5_000],
  ["500ms", 500],
  ["1.5 s", 1_500],
  ["2m", 120_000],
  ["24h", 86_400_000],
])("a day can last %s", (text, milliseconds) => {
  expect(parseDayLength(text)).toBe(milliseconds);
});

test.each(["", "5", "s", "-5s", "5 d", "49ms", "25h", "1e3s", "5s later", "0s"])("a day cannot last %j", (text) => {
  expect(parseDayLength(text)).toBeUndefined();
});
