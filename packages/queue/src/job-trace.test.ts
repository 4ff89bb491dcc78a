import { expect, test } from "vitest";
import { continuesTrace, parseJobTrace } from "./job-trace.ts";

const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const hour = 3_600_000;

test.each([
  ["at once", { traceparent, at: 0 }, 0, true],
  ["within the hour", { traceparent, at: 0 }, hour - 1, true],
  ["an hour later, and in three days", { traceparent, at: 0 }, hour, false],
  ["by a clock that was set back meanwhile", { traceparent, at: hour }, 0, true],
  ["at once, as one of many", { traceparent, at: 0, isOneOfMany: true }, 0, false],
] as const)("a job that runs %s: belongs to the trace that asked for it? %o at %d: %s", (_, carried, now, belongs) => {
  expect(continuesTrace(carried, now)).toBe(belongs);
});

test.each(["", "null", "{}", '"text"', "{", '{"traceparent":"00-1"}', '{"traceparent":1,"at":2}'])(
  "what BullMQ or somebody else left there (%s) is nothing to go by",
  (metadata) => expect(parseJobTrace(metadata)).toBeUndefined(),
);
