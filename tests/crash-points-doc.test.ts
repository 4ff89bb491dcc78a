import { readFile } from "node:fs/promises";
import { checkpoints } from "@dripline/worker/checkpoints";
import { expect, test } from "vitest";
import { crashPoints } from "./chaos/crash-points/crash-points.ts";
import { describeCrashPoints } from "./chaos/crash-points/describe-crash-points.ts";

const document = await readFile(new URL("../docs/crash-points.md", import.meta.url), "utf8");

test("docs/crash-points.md has the table that the scenes are held to", () => {
  const table = document
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .join("\n");
  expect(table, "Put what describeCrashPoints() answers in its place.").toBe(describeCrashPoints());
});

test("every checkpoint of the worker is a point at which one is killed", () => {
  const killedAt = crashPoints.flatMap(({ faults }) =>
    faults.flatMap((fault) => (fault.kind === "kill" ? [fault.at] : [])),
  );
  expect(checkpoints.filter((checkpoint) => !killedAt.includes(checkpoint))).toEqual([]);
});
