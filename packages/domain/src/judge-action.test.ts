import { describe, expect, test } from "vitest";
import { type EnrollmentMove, judgeEnrollment, judgeSequence } from "./judge-action.ts";
import { EnrollmentStatus } from "./statuses.ts";

const monday = new Date("2026-11-30T00:00:00Z");
const tuesday = new Date("2026-12-01T00:00:00Z");

describe("a sequence", () => {
  test.each([
    ["active", "paused", "moves"],
    ["active", "archived", "moves"],
    ["active", "active", "already_done"],
    ["paused", "active", "moves"],
    ["paused", "archived", "moves"],
    ["paused", "paused", "already_done"],
    ["archived", "active", "moves"],
    ["archived", "paused", "sequence_archived"],
    ["archived", "archived", "already_done"],
  ] as const)("that is %s and is to be %s: %s", (status, to, expected) => {
    const judgement = judgeSequence(status, to);

    expect(judgement.kind === "moves" ? "moves" : judgement.reason).toBe(expected);
  });
});

describe("an enrollment", () => {
  const reasonOf = (status: EnrollmentStatus, move: EnrollmentMove, resumeAt: Date | null = null) => {
    const judgement = judgeEnrollment({ status, resumeAt }, move);
    return judgement.kind === "moves" ? "moves" : judgement.reason;
  };
  const moves: EnrollmentMove[] = [
    { to: "active" },
    { to: "paused", until: null },
    { to: "paused", until: undefined },
    { to: "completed" },
    { to: "cancelled" },
    { to: "unsubscribed" },
  ];

  test.each(moves)("that is live moves to $to unless it is there already", (move) => {
    for (const status of ["active", "paused"] as const) {
      expect(reasonOf(status, move)).toBe(status === move.to ? "already_done" : "moves");
    }
  });

  test.each(moves)("that has ended does not move to $to", (move) => {
    for (const status of EnrollmentStatus.options.slice(2)) {
      expect(reasonOf(status, move)).toBe(status === move.to ? "already_done" : "enrollment_not_live");
    }
  });

  test.each([
    [monday, monday, "already_done"],
    [monday, tuesday, "moves"],
    [monday, null, "moves"],
    [null, monday, "moves"],
    [null, null, "already_done"],
    [monday, undefined, "already_done"],
  ])("paused until %s and to be paused until %s: %s", (resumeAt, until, expected) => {
    expect(reasonOf("paused", { to: "paused", until }, resumeAt)).toBe(expected);
  });
});
