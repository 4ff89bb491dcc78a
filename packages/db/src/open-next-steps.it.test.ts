import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { describe, expect, test } from "vitest";
import { newId } from "./new-id.ts";
import { findStranded, type Opening, openNextSteps } from "./open-next-steps.ts";
import {
  insertExecution,
  type MadeExecution,
  readEnrollment,
  readEvents,
  readExecution,
  readExecutions,
} from "./testing/executions.ts";

const { pool: db } = await freshDatabase();
const now = new Date("2026-03-02T20:00:00Z");
const dueAt = new Date("2026-03-05T20:00:00Z");
const by = { now, actor: "api_key:ann" };

interface Making {
  readonly values?: Parameters<typeof insertExecution>[3];
  readonly enrollment?: Parameters<typeof insertExecution>[4];
  readonly sequence?: Parameters<typeof makeSequence>[1];
}

/** Step 1 of three was skipped when somebody unenrolled the contact with the status `paused`; now it is active again. */
async function makeStranded({ values = {}, enrollment = {}, sequence = {} }: Making = {}): Promise<MadeExecution> {
  const [made, contact] = [await makeSequence(db, { steps: [{}, {}, {}], ...sequence }), await makeContact(db)];
  return insertExecution(db, made, contact.id, { status: "skipped", ...values }, enrollment);
}

function step({ sequence }: MadeExecution, stepNumber: number) {
  const stepId = sequence.stepIds[stepNumber - 1] ?? "";
  return { stepId, stepKey: stepId, stepNumber };
}

function opening(made: MadeExecution, plan: Partial<Opening["plan"]> = {}): Opening {
  const times = { countsFrom: now, dueAt, scheduledFor: dueAt, timezone: "UTC", timezoneSource: "schedule" } as const;
  const next = { ...step(made, 2), ...times, deferral: null, isHeld: false };
  return {
    enrollmentId: made.enrollmentId,
    versionId: made.sequence.versionId,
    reachedStepNumber: 1,
    plan: { passedOver: [], next, ...plan },
  };
}

describe("stranded", () => {
  test("is an active enrollment with nothing open, and the steps after its last one are left", async () => {
    const made = await makeStranded();

    const [found, ...others] = await findStranded(db, [made.enrollmentId]);

    expect(others).toEqual([]);
    expect(found).toMatchObject({
      enrollmentId: made.enrollmentId,
      versionId: made.sequence.versionId,
      reachedStepNumber: 1,
      schedule: { timezone: "UTC" },
      zones: { contact: null, company: null },
    });
    expect(found?.laterSteps.map((later) => later.stepNumber)).toEqual([2, 3]);
  });

  test.each(["sent", "skipped"] as const)("is one whose last execution is %s", async (status) => {
    const { enrollmentId } = await makeStranded({ values: { status } });
    expect(await findStranded(db, [enrollmentId])).toHaveLength(1);
  });

  test("is one whose last email is in doubt, if the enrollment has gone on from there", async () => {
    const [gone, held] = [
      await makeStranded({ values: { status: "in_doubt" }, enrollment: { currentStepNumber: 1 } }),
      await makeStranded({ values: { status: "in_doubt" }, enrollment: { currentStepNumber: 0 } }),
    ];
    const found = await findStranded(db, [gone.enrollmentId, held.enrollmentId]);
    expect(found.map((one) => one.enrollmentId)).toEqual([gone.enrollmentId]);
  });

  test.each(["pending", "scheduled", "sending", "failed"] as const)("is none whose execution is %s", async (status) => {
    const { enrollmentId } = await makeStranded({ values: { status } });
    expect(await findStranded(db, [enrollmentId])).toEqual([]);
  });

  test.each(["paused", "completed", "unsubscribed", "cancelled"] as const)("is none that is %s", async (status) => {
    const { enrollmentId } = await makeStranded({ enrollment: { status } });
    expect(await findStranded(db, [enrollmentId])).toEqual([]);
  });
});

describe("opening the next step", () => {
  test("gives it a row with a timer, whose delay counts from now", async () => {
    const made = await makeStranded();

    const [timer] = await openNextSteps(db, [opening(made)], by);

    expect(timer).toMatchObject({ generation: 0, scheduledFor: dueAt });
    expect(await readExecution(db, timer?.executionId ?? "")).toMatchObject({
      ...step(made, 2),
      enrollmentId: made.enrollmentId,
      status: "scheduled",
      countsFrom: now,
      dueAt,
      scheduledFor: dueAt,
      timezone: "UTC",
      timezoneSource: "schedule",
    });
    expect(await readEnrollment(db, made.enrollmentId)).toMatchObject({ status: "active" });
  });

  test("records inactive steps on the way, and a plan that a window moved", async () => {
    const made = await makeStranded();
    const next = opening(made).plan.next;
    if (next === null) throw new Error("there is a next step");
    const moved = { ...next, ...step(made, 3), deferral: "outside the sending window" };

    await openNextSteps(db, [opening(made, { passedOver: [step(made, 2)], next: moved })], by);

    const [, second, third] = await readExecutions(db, made.enrollmentId);
    expect([second, third]).toMatchObject([{ status: "skipped" }, { status: "scheduled" }]);
    expect(await readEvents(db, second?.id ?? "")).toMatchObject([{ kind: "skipped", reason: "step_inactive" }]);
    expect(await readEvents(db, third?.id ?? "")).toMatchObject([{ kind: "deferred", reason: "outside_window" }]);
  });

  test("without a step left completes the enrollment", async () => {
    const made = await makeStranded();

    expect(await openNextSteps(db, [opening(made, { next: null })], by)).toEqual([]);

    expect(await readEnrollment(db, made.enrollmentId)).toMatchObject({
      status: "completed",
      endReason: "completed",
      completedAt: now,
      endedAt: now,
    });
  });

  test("as a repair leaves a sentence: on the step that it opened, or on the last one if none was left", async () => {
    const [opened, completed] = [await makeStranded(), await makeStranded()];
    const sentences = { reason: "nothing_open", opened: "Opened.", completed: "Completed." };

    const openings = [opening(opened), opening(completed, { next: null })];
    const [timer] = await openNextSteps(db, openings, by, sentences);

    const event = { at: now, kind: "repaired", reason: "nothing_open", actor: by.actor };
    expect(await readEvents(db, timer?.executionId ?? "")).toEqual([{ ...event, message: "Opened." }]);
    expect(await readEvents(db, opened.executionId)).toEqual([]);
    expect(await readEvents(db, completed.executionId)).toEqual([{ ...event, message: "Completed." }]);
  });

  test.each([
    ["sequence_paused", "paused", false],
    ["window_never_opens", "active", true],
  ] as const)("holds it for %s, with its clock stopped", async (holdReason, status, isHeld) => {
    const made = await makeStranded({ sequence: { status } });
    const { next } = opening(made).plan;

    expect(await openNextSteps(db, [opening(made, { next: next && { ...next, isHeld } })], by)).toEqual([]);

    const opened = (await readExecutions(db, made.enrollmentId))[1];
    expect(opened).toMatchObject({ status: "pending", holdReason, heldAt: now, dueAt });
    expect(await readEvents(db, opened?.id ?? "")).toMatchObject([{ kind: "held", reason: holdReason }]);
  });

  test.each<[string, Making]>([
    ["the enrollment is paused", { enrollment: { status: "paused" } }],
    ["the enrollment has ended", { enrollment: { status: "cancelled" } }],
    ["something is open", { values: { status: "pending" } }],
    ["an email failed", { values: { status: "failed" } }],
  ])("does nothing if %s", async (_, making) => {
    const [first, refused, last] = [await makeStranded(), await makeStranded(making), await makeStranded()];
    const enrollment = await readEnrollment(db, refused.enrollmentId);

    const opened = await openNextSteps(db, [opening(first), opening(refused), opening(last)], by);

    expect(opened).toHaveLength(2);
    expect(await readExecutions(db, refused.enrollmentId)).toHaveLength(1);
    expect(await openNextSteps(db, [opening(refused, { next: null })], by)).toEqual([]);
    expect(await readEnrollment(db, refused.enrollmentId)).toEqual(enrollment);
  });

  test("does nothing if the enrollment has moved to another version than the plan was made from", async () => {
    const made = await makeStranded();

    expect(await openNextSteps(db, [{ ...opening(made), versionId: newId() }], by)).toEqual([]);

    expect(await readExecutions(db, made.enrollmentId)).toHaveLength(1);
  });
});
