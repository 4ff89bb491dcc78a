import { expect, test } from "vitest";
import { parts, readOptions } from "./options.ts";
import { fullSizes, quickSizes } from "./sizes.ts";

test("without arguments everything is measured, at full size", () => {
  expect(readOptions([])).toMatchObject({ isQuick: false, sizes: fullSizes, parts: new Set(parts), sink: undefined });
});

test("a quick run leaves growth out", () => {
  const quick = readOptions(["--quick"]);
  expect(quick).toMatchObject({ isQuick: true, sizes: quickSizes });
  expect("parts" in quick && [...quick.parts]).toEqual(parts.filter((part) => part !== "growth"));
});

test("a part is named alone or with its like, and can be left out", () => {
  const options = readOptions(["--only", "drain", "--only", "growth", "--skip", "drain-postgres-1"]);
  expect("parts" in options && [...options.parts]).toEqual(["drain-redis-1", "drain-redis-2", "growth"]);
});

test.each([
  [["--fast"], "Unknown option '--fast'"],
  [["6000"], "Unexpected argument '6000'"],
  [["--runs", "0"], "--runs is a whole number from 1"],
  [["--emails", "many"], "--emails is a whole number from 1"],
  [["--only", "drains"], 'there is no part "drains"'],
  [["--sink", "postfix"], 'there is no sink "postfix"'],
  [["--quick", "--document"], "the numbers of --quick are not for --document"],
])("%j is refused, with the usage", (args, problem) => {
  const read = readOptions(args);
  expect(read).toHaveProperty("problem", expect.stringContaining(problem));
  expect(read).toHaveProperty("problem", expect.stringContaining("npm run bench -- [--quick]"));
});
