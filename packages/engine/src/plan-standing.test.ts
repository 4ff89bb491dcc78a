import type { LiveEnrollment } from "@dripline/db/find-live-enrollments";
import type { ExecutionFacts } from "@dripline/db/load-facts";
import { REAL_PACE } from "@dripline/domain/delay";
import { ALWAYS_OPEN, BUSINESS_HOURS, type Schedule } from "@dripline/domain/schedule";
import { expect, test } from "vitest";
import { planStanding } from "./plan-standing.ts";

const now = new Date("2026-11-23T03:00:00Z"); // Monday 10:00 in Bangkok
const hour = 3_600_000;
const after = (hours: number) => new Date(now.getTime() + hours * hour);
const punctual: Schedule = { ...BUSINESS_HOURS, spreadMinutes: 0 };

interface Given {
  readonly execution?: Partial<ExecutionFacts["execution"]>;
  readonly step?: Partial<ExecutionFacts["step"]>;
  readonly enrollment?: Partial<ExecutionFacts["enrollment"]>;
  readonly sequence?: Partial<ExecutionFacts["sequence"]>;
  readonly contact?: Partial<ExecutionFacts["contact"]>;
  readonly schedule?: Schedule;
  readonly open?: Partial<NonNullable<LiveEnrollment["open"]>>;
}

/** Somebody at step 1 of 2; the second follows a day later. */
function standing(given: Given) {
  const facts = {
    execution: {
      id: "x1",
      status: "scheduled",
      generation: 0,
      dueAt: after(2),
      scheduledFor: after(2),
      stepNumber: 1,
      stepKey: "k1",
      stepId: "s1",
      attemptCount: 0,
      catchesUp: false,
      messageId: null,
      messageSource: null,
      hasAdvanced: false,
      ...given.execution,
    },
    step: { isActive: true, maxLateness: null, latePolicy: "send", ...given.step },
    enrollment: { id: "n1", status: "active", versionId: "v1", ...given.enrollment },
    sequence: { id: "q1", name: "Q", status: "active", inDoubtPolicy: "hold", sendsPerDayMax: null, ...given.sequence },
    schedule: { ...(given.schedule ?? ALWAYS_OPEN), updatedAt: after(0) },
    contact: {
      id: "c1",
      email: "ann@example.com",
      firstName: "Ann",
      lastName: "",
      country: null,
      attributes: {},
      timezone: null,
      optedOutAt: null,
      isSuppressed: false,
      ...given.contact,
    },
    company: null,
    template: { versionId: "t1" },
    laterSteps: [{ id: "s2", key: "k2", stepNumber: 2, delay: { value: 1, unit: "days" }, isActive: true }],
    databaseNow: now,
    isBackedOff: false,
  } satisfies ExecutionFacts;
  const open = {
    executionId: "x1",
    stepName: "One",
    holdReason: null,
    heldAt: null,
    errorMessage: null,
    ...given.open,
  };
  return planStanding(facts, open, { now, pace: REAL_PACE });
}

test("what waits for its time goes out then, and what follows counts from it", () => {
  expect(standing({})).toMatchObject({
    obstacle: null,
    entries: [
      { kind: "open", status: "scheduled", scheduledFor: after(2), earliestAt: after(2), shifts: [] },
      { kind: "send", stepNumber: 2, scheduledFor: after(26) },
    ],
  });
});

test("what is overdue goes out now: its row's moment stays, what follows counts from now", () => {
  const { entries } = standing({ execution: { dueAt: after(-5), scheduledFor: after(-5) } });
  expect(entries).toMatchObject([
    { scheduledFor: after(-5), earliestAt: now, shifts: ["It has been waiting since 2026-11-22T22:00:00.000Z."] },
    { scheduledFor: after(24) },
  ]);
});

test("a schedule that was changed since moves it, with the sentence that the worker would write", () => {
  const night = after(12); // 22:00 in Bangkok
  const { entries } = standing({ schedule: punctual, execution: { dueAt: night, scheduledFor: night } });
  expect(entries).toMatchObject([
    { scheduledFor: night, earliestAt: after(23), shifts: [expect.stringContaining("Monday 22:00 in Asia/Bangkok")] },
    { scheduledFor: after(47) },
  ]);
});

test("what the window moved when it was planned says so", () => {
  const { entries } = standing({ schedule: punctual, execution: { dueAt: after(12), scheduledFor: after(23) } });
  expect(entries[0]).toMatchObject({ shifts: [expect.stringContaining("next opening Tuesday 2026-11-24 09:00")] });
});

test("what was moved for another reason gives the last one known", () => {
  const execution = { dueAt: after(1), scheduledFor: after(2) };
  expect(standing({ execution, open: { errorMessage: "421 busy" } }).entries[0]).toMatchObject({
    shifts: ["421 busy"],
  });
  expect(standing({ execution }).entries[0]).toMatchObject({ shifts: [expect.stringContaining("moved after")] });
});

test.each([
  ["an inactive step", { step: { isActive: false } }],
  [
    "a step that is too late and skipped then",
    {
      step: { maxLateness: { value: 1, unit: "hours" }, latePolicy: "skip" },
      execution: { dueAt: after(-5), scheduledFor: after(-5) },
    },
  ],
] as const)("%s is passed over when its time comes, and the next delay counts from there", (_, given) => {
  const at = "execution" in given ? now : after(2);
  expect(standing(given).entries).toMatchObject([
    { kind: "passed_over", stepNumber: 1, passedAt: at },
    { kind: "send", stepNumber: 2, scheduledFor: new Date(at.getTime() + 24 * hour) },
  ]);
});

test.each([
  ["contact_opted_out", { contact: { optedOutAt: now } }],
  ["address_suppressed", { contact: { isSuppressed: true } }],
  ["sequence_archived", { sequence: { status: "archived" } }],
] as const)("%s: nothing is sent any more", (code, given) => {
  expect(standing(given)).toMatchObject({ obstacle: { code }, entries: [] });
});

test.each([
  ["enrollment_paused", { enrollment: { status: "paused" } }],
  ["sequence_paused", { sequence: { status: "paused" } }],
] as const)("%s: the clock stands still, and what was left to wait is left after it", (code, given) => {
  const { obstacle, entries } = standing({
    ...given,
    execution: { status: "pending", dueAt: after(-20), scheduledFor: after(-20) },
    open: { holdReason: code, heldAt: after(-23), errorMessage: "It is paused." },
  });
  expect(obstacle).toEqual({ code, message: "It is paused." });
  expect(entries).toMatchObject([
    { status: "pending", scheduledFor: after(-20), earliestAt: after(3), shifts: [expect.stringContaining(code)] },
    { scheduledFor: after(27) },
  ]);
});

test.each([
  [
    "missing_variable",
    "pending",
    { holdReason: "missing_variable", heldAt: after(-1), errorMessage: "no value for x" },
  ],
  ["failed", "failed", { errorMessage: "550 no such user" }],
  ["in_doubt", "in_doubt", { errorMessage: "the connection broke" }],
] as const)("%s: somebody has to let it go; the plan is as if they did so now", (code, status, open) => {
  const { obstacle, entries } = standing({ execution: { status, dueAt: after(-5), scheduledFor: after(-5) }, open });
  expect(obstacle).toEqual({ code, message: open.errorMessage });
  expect(entries).toMatchObject([
    { status, earliestAt: now, shifts: [expect.stringMatching(/as if it were let go now\.$/)] },
    { scheduledFor: after(24) },
  ]);
});

test("nothing is said of what follows a step that has no date", () => {
  const never = standing({ schedule: { ...punctual, windows: [] } });
  expect(never).toMatchObject({ obstacle: { code: "window_never_opens" }, entries: [{ kind: "open", isHeld: true }] });
  const nowhere = standing({ schedule: { ...punctual, timezone: "Mars/Base" } });
  expect(nowhere).toMatchObject({ obstacle: { code: "unknown_time_zone" }, entries: [{ kind: "open", isHeld: true }] });
});
