import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { waitFor } from "@dripline/testkit/wait-for";
import { expect, test } from "vitest";
import { inTransaction } from "./database.ts";
import { type EndEnrollments, endEnrollments } from "./end-enrollments.ts";
import { type Finish, finishExecutions } from "./finish-executions.ts";
import {
  insertExecution,
  isSomebodyWaiting,
  type MadeExecution,
  readEnrollment,
  readEvents,
  readExecution,
  readExecutions,
  statusesOtherThan,
} from "./testing/executions.ts";

const { pool: db } = await freshDatabase();
const now = new Date("2026-03-02T20:00:00Z");

async function makeLive(
  values: Parameters<typeof insertExecution>[3] = {},
  enrollment: Parameters<typeof insertExecution>[4] = {},
): Promise<MadeExecution> {
  const contact = await makeContact(db);
  return insertExecution(db, await makeSequence(db), contact.id, values, enrollment);
}

/** Ends the enrollments in a transaction of its own, as its docstring asks for. */
function end(enrollments: readonly MadeExecution[], values: Partial<EndEnrollments> = {}): Promise<string[]> {
  const enrollmentIds = enrollments.map((one) => one.enrollmentId);
  const wanted = { to: "cancelled", endReason: "asked_to", note: "Asked to stop.", now, actor: "api-key:ann" } as const;
  return inTransaction(db, (tx) => endEnrollments(tx, { enrollmentIds, ...wanted, ...values }));
}

test.each([
  ["active", "cancelled", "asked_to"],
  ["active", "unsubscribed", "asked_to"],
  ["active", "paused", null],
  ["paused", "cancelled", "asked_to"],
  ["paused", "unsubscribed", "asked_to"],
] as const)("an enrollment that is %s becomes %s, with the end reason %s", async (status, to, endReason) => {
  const live = await makeLive({}, { status });

  expect(await end([live], { to })).toEqual([live.enrollmentId]);

  expect(await readEnrollment(db, live.enrollmentId)).toMatchObject({ status: to, endReason });
});

test.each([
  ["cancelled", { endedAt: now, completedAt: null, pausedAt: null }],
  ["unsubscribed", { endedAt: now, completedAt: null, pausedAt: null }],
  ["completed", { endedAt: now, completedAt: now, pausedAt: null }],
  ["paused", { endedAt: null, completedAt: null, pausedAt: now }],
] as const)("an enrollment that becomes %s says when, and forgets when it was to be resumed", async (to, instants) => {
  const live =
    to === "paused" ? await makeLive() : await makeLive({}, { status: "paused", pausedAt: now, resumeAt: now });

  await end([live], { to });

  expect(await readEnrollment(db, live.enrollmentId)).toMatchObject({ ...instants, resumeAt: null });
});

test.each([
  ["completed", "cancelled"],
  ["unsubscribed", "cancelled"],
  ["cancelled", "unsubscribed"],
  ["cancelled", "cancelled"],
] as const)("an enrollment that is %s is not made %s, and nothing of it moves", async (status, to) => {
  const [first, last] = [await makeLive(), await makeLive()];
  const refused = await makeLive({}, { status, endReason: "the_first_reason", notes: "As it was." });
  const [execution, enrollment] = [
    await readExecution(db, refused.executionId),
    await readEnrollment(db, refused.enrollmentId),
  ];

  const ended = await end([first, refused, last], { to });

  expect(ended.toSorted()).toEqual([first.enrollmentId, last.enrollmentId].toSorted());
  expect(await readEnrollment(db, refused.enrollmentId)).toEqual(enrollment);
  expect(await readExecution(db, refused.executionId)).toEqual(execution);
  expect(await readEvents(db, refused.executionId)).toEqual([]);
});

test("somebody who is paused already and is taken out as paused has nothing left to come; a second time nothing moves", async () => {
  const since = new Date("2026-01-05T00:00:00Z");
  const paused = await makeLive({}, { status: "paused", pausedAt: since });

  expect(await end([paused], { to: "paused" })).toEqual([paused.enrollmentId]);

  expect(await readExecution(db, paused.executionId)).toMatchObject({ status: "skipped" });
  const after = await readEnrollment(db, paused.enrollmentId);
  expect(after).toMatchObject({ status: "paused", pausedAt: since, notes: expect.stringContaining("2026") });
  expect(await end([paused], { to: "paused" })).toEqual([]);
  expect(await readEnrollment(db, paused.enrollmentId)).toEqual(after);
});

test("an enrollment that was not named goes on", async () => {
  const [named, other] = [await makeLive(), await makeLive()];

  await end([named]);

  expect(await readEnrollment(db, other.enrollmentId)).toMatchObject({ status: "active" });
  expect(await readExecution(db, other.executionId)).toMatchObject({ status: "scheduled" });
});

test.each(["pending", "scheduled"] as const)(
  "an execution that is %s becomes skipped, with an event",
  async (status) => {
    const live = await makeLive({ status });

    await end([live]);

    expect(await readExecution(db, live.executionId)).toMatchObject({ status: "skipped", holdReason: null });
    const message = "The contact was unenrolled: cancelled.";
    expect(await readEvents(db, live.executionId)).toEqual([
      { at: now, kind: "skipped", reason: "asked_to", message, actor: "api-key:ann" },
    ]);
  },
);

test.each(statusesOtherThan("pending", "scheduled"))(
  "an execution that is %s stays as it is; its enrollment ends all the same",
  async (status) => {
    const live = await makeLive({ status });
    const before = await readExecution(db, live.executionId);

    expect(await end([live])).toEqual([live.enrollmentId]);

    expect(await readExecution(db, live.executionId)).toEqual(before);
    expect(await readEvents(db, live.executionId)).toEqual([]);
  },
);

test("the note becomes a line of its own, with the time, below what was written before", async () => {
  const [blank, written] = [await makeLive(), await makeLive({}, { notes: "Met at a fair." })];

  await end([blank, written]);

  const line = "[2026-03-02T20:00:00.000Z] Asked to stop.";
  expect((await readEnrollment(db, blank.enrollmentId)).notes).toBe(line);
  expect((await readEnrollment(db, written.enrollmentId)).notes).toBe(`Met at a fair.\n${line}`);
});

/** The record of a sent first step, which opens the second. */
function sent({ executionId, sequence }: MadeExecution): Finish {
  const [, stepId = ""] = sequence.stepIds;
  const next = {
    stepId,
    stepKey: stepId,
    stepNumber: 2,
    countsFrom: now,
    dueAt: now,
    scheduledFor: now,
    timezone: "UTC",
    timezoneSource: "schedule",
    deferral: null,
    isHeld: false,
  } as const;
  return {
    executionId,
    generation: 0,
    from: "sending",
    to: "sent",
    at: now,
    email: null,
    event: null,
    versionId: sequence.versionId,
    plan: { passedOver: [], next },
  };
}

test("an end that waits for a record which opens the next step skips that one too", async () => {
  const live = await makeLive({ status: "sending", phase: "data" });

  const ending = await inTransaction(db, async (tx) => {
    await finishExecutions(tx, [sent(live)]);
    // In an array, because returning a promise would wait for it, and it waits for this transaction.
    const waiting = [end([live])];
    await waitFor(() => isSomebodyWaiting(db), { timeoutMilliseconds: 5_000, describe: "the end to wait" });
    return waiting;
  });

  expect(await ending[0]).toEqual([live.enrollmentId]);
  const executions = await readExecutions(db, live.enrollmentId);
  expect(executions.map((row) => row.status)).toEqual(["sent", "skipped"]);
});

test("a record that waits for an end opens nothing further", async () => {
  const live = await makeLive({ status: "sending", phase: "data" });

  const finishing = await inTransaction(db, async (tx) => {
    await endEnrollments(tx, {
      enrollmentIds: [live.enrollmentId],
      to: "cancelled",
      endReason: "asked_to",
      note: "Asked to stop.",
      now,
      actor: "api-key:ann",
    });
    const waiting = [finishExecutions(db, [sent(live)])];
    await waitFor(() => isSomebodyWaiting(db), { timeoutMilliseconds: 5_000, describe: "the record to wait" });
    return waiting;
  });

  expect(await finishing[0]).toMatchObject([{ enrollmentStatus: "cancelled", next: null }]);
  const executions = await readExecutions(db, live.enrollmentId);
  expect(executions.map((row) => row.status)).toEqual(["sent"]);
});

test.each([
  ["completed", "completed_by_operator", "The enrollment was completed by an operator."],
  ["cancelled", "sequence_archived", "The sequence was archived: nothing further is sent."],
  ["unsubscribed", "contact_opted_out", "The contact opted out."],
  ["paused", "unenrolled", "The contact was unenrolled: paused."],
] as const)("what waits is skipped with a sentence that fits: %s for %s", async (to, endReason, message) => {
  const live = await makeLive();

  await end([live], { to, endReason });

  expect(await readEvents(db, live.executionId)).toMatchObject([{ kind: "skipped", reason: endReason, message }]);
});

test("an enrollment that is completed by hand has the time and the reason of its completion", async () => {
  const live = await makeLive({}, { status: "paused" });

  await end([live], { to: "completed", endReason: "completed_by_operator" });

  expect(await readEnrollment(db, live.enrollmentId)).toMatchObject({
    status: "completed",
    endReason: "completed_by_operator",
    completedAt: now,
    endedAt: now,
    pausedAt: null,
  });
});
