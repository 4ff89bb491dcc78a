import { expect, test } from "vitest";
import { decideDoubt } from "./decide-doubt.ts";
import { REAL_PACE } from "./delay.ts";

const now = new Date("2026-03-02T10:00:00Z");
const execution = { executionId: "e1", attemptCount: 1, hasAdvanced: false };

test("advance: the next step follows, however many attempts there were", () => {
  expect(decideDoubt("advance", execution, now, REAL_PACE)).toEqual({ kind: "advance" });
  expect(decideDoubt("advance", { ...execution, attemptCount: 9 }, now, REAL_PACE)).toEqual({ kind: "advance" });
});

test("hold: an operator decides", () => {
  expect(decideDoubt("hold", execution, now, REAL_PACE)).toEqual({ kind: "hold", note: "" });
});

test("resend: the same message again, after the wait of a retry", () => {
  const decision = decideDoubt("resend", execution, now, REAL_PACE);
  expect(decision.kind).toBe("resend");
  const minutes = decision.kind === "resend" ? (decision.at.getTime() - now.getTime()) / 60_000 : 0;
  expect(minutes).toBeGreaterThanOrEqual(4);
  expect(minutes).toBeLessThanOrEqual(6);
});

test("resend is an attempt like any other: after the last one an operator decides, and the note says so", () => {
  expect(decideDoubt("resend", { ...execution, attemptCount: 2 }, now, REAL_PACE).kind).toBe("resend");
  expect(decideDoubt("resend", { ...execution, attemptCount: 3 }, now, REAL_PACE)).toEqual({
    kind: "hold",
    note: "That was attempt 3 of 3: an operator decides.",
  });
});

test("an email that is in doubt again after its enrollment went on does not make it go on twice", () => {
  expect(decideDoubt("advance", { ...execution, hasAdvanced: true }, now, REAL_PACE).kind).toBe("hold");
});
