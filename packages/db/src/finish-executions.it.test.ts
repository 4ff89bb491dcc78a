import type { NextStep, PassedStep } from "@dripline/domain/next-step";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { waitFor } from "@dripline/testkit/wait-for";
import { expect, test } from "vitest";
import { inTransaction, type Queryable } from "./database.ts";
import { type Finish, finishExecutions } from "./finish-executions.ts";
import { newId } from "./new-id.ts";
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
const at = new Date("2026-03-02T20:00:00Z");
const dueAt = new Date("2026-03-05T20:00:00Z");
const opening = new Date("2026-03-06T02:00:00Z");

type SequenceValues = NonNullable<Parameters<typeof makeSequence>[1]>;

/** An execution of step 1 of 3 whose email was handed over and whose outcome is to be recorded. */
async function makeSending(
  values: Parameters<typeof insertExecution>[3] = {},
  enrollment: Parameters<typeof insertExecution>[4] = {},
  sequence: SequenceValues = {},
): Promise<MadeExecution> {
  const contact = await makeContact(db);
  const made = await makeSequence(db, { steps: [{}, {}, {}], ...sequence });
  const sending = { status: "sending", phase: "data", generation: 2, attemptCount: 1, ...values } as const;
  return insertExecution(db, made, contact.id, sending, enrollment);
}

function finishAs(made: MadeExecution, values: Partial<Finish> = {}): Finish {
  return {
    executionId: made.executionId,
    generation: 2,
    from: "sending",
    to: "sent",
    at,
    email: { response: "250 queued" },
    event: null,
    versionId: made.sequence.versionId,
    plan: { passedOver: [], next: step(made, 2) },
    ...values,
  };
}

function step(made: MadeExecution, stepNumber: number, values: Partial<NextStep> = {}): NextStep {
  return {
    ...passed(made, stepNumber),
    countsFrom: at,
    dueAt,
    scheduledFor: opening,
    timezone: "Asia/Bangkok",
    timezoneSource: "company",
    deferral: null,
    isHeld: false,
    ...values,
  };
}

function passed({ sequence }: MadeExecution, stepNumber: number): PassedStep {
  const stepId = sequence.stepIds[stepNumber - 1] ?? "";
  return { stepId, stepKey: stepId, stepNumber };
}

async function readLog(executionId: string) {
  const { rows } = await db.query("select * from email_log where execution_id = $1", [executionId]);
  return rows;
}

/** Everything that a record may touch, to see that it did not. */
async function readAll({ executionId, enrollmentId }: MadeExecution) {
  return {
    executions: await readExecutions(db, enrollmentId),
    enrollment: await readEnrollment(db, enrollmentId),
    log: await readLog(executionId),
    events: await readEvents(db, executionId),
  };
}

const event = { reason: "connection_lost", message: "No reply came.", actor: "worker" };

test("a sent execution gives up lease and phase, and is linked to the one email log that says what left", async () => {
  const sending = await makeSending({ errorMessage: "421 Come back later." });
  const before = await readExecution(db, sending.executionId);

  await finishExecutions(db, [finishAs(sending)]);

  const log = await readLog(sending.executionId);
  expect(log).toEqual([
    {
      id: expect.any(String),
      execution_id: sending.executionId,
      sequence_id: sending.sequence.id,
      contact_id: sending.contactId,
      template_version_id: before.messageSource?.templateVersionId,
      message_id: `<${sending.executionId}@example.com>`,
      from_address: "us@example.com",
      to_address: "ann@example.com",
      subject: "Hello Ann",
      variables: before.messageSource?.variables,
      outcome: "accepted",
      response: "250 queued",
      composed_at: new Date(before.messageSource?.composedAt ?? 0),
      sent_at: at,
    },
  ]);
  expect(await readExecution(db, sending.executionId)).toMatchObject({
    status: "sent",
    phase: null,
    leaseUntil: null,
    sentAt: at,
    emailLogId: log[0]?.id,
    errorMessage: null,
    messageSource: null,
    hasAdvanced: true,
  });
  expect(await readEvents(db, sending.executionId)).toEqual([]);
});

test("an execution in doubt is logged as such, has no time of sending, and says why", async () => {
  const sending = await makeSending();
  const email = { response: null };

  await finishExecutions(db, [finishAs(sending, { to: "in_doubt", email, event })]);

  const log = await readLog(sending.executionId);
  expect(log).toMatchObject([{ outcome: "in_doubt", response: null }]);
  expect(await readExecution(db, sending.executionId)).toMatchObject({
    status: "in_doubt",
    sentAt: null,
    emailLogId: log[0]?.id,
    errorMessage: event.message,
  });
  expect(await readEvents(db, sending.executionId)).toEqual([{ at, kind: "in_doubt", ...event }]);
});

test("a skipped execution logs no email, does not start the enrollment, and says why", async () => {
  const due = await makeSending({ status: "scheduled", phase: null });

  await finishExecutions(db, [finishAs(due, { from: "scheduled", to: "skipped", email: null, event })]);

  expect(await readLog(due.executionId)).toEqual([]);
  expect(await readExecution(db, due.executionId)).toMatchObject({ status: "skipped", sentAt: null, emailLogId: null });
  expect(await readEnrollment(db, due.enrollmentId)).toMatchObject({ startedAt: null, currentStepNumber: 1 });
  expect(await readEvents(db, due.executionId)).toEqual([{ at, kind: "skipped", ...event }]);
});

test.each(["pending", "failed"] as const)(
  "an execution that is %s is skipped without a reason to wait left, and the next step opens",
  async (from) => {
    const stopped = await makeSending({ status: from, phase: null });
    const plan = { passedOver: [], next: step(stopped, 2) };

    const finished = await finishExecutions(db, [finishAs(stopped, { from, to: "skipped", email: null, event, plan })]);

    expect(finished).toMatchObject([{ executionId: stopped.executionId, next: { scheduledFor: expect.any(Date) } }]);
    const [first, second] = await readExecutions(db, stopped.enrollmentId);
    expect(first).toMatchObject({ status: "skipped", holdReason: null, heldAt: null, errorMessage: event.message });
    expect(second).toMatchObject({ status: "scheduled", stepNumber: 2 });
    expect(await readLog(stopped.executionId)).toEqual([]);
  },
);

test("the enrollment advances, and the next step gets a timer of the first generation", async () => {
  const sending = await makeSending();

  const [finished] = await finishExecutions(db, [finishAs(sending)]);

  const [, next] = await readExecutions(db, sending.enrollmentId);
  expect(finished).toEqual({
    executionId: sending.executionId,
    enrollmentStatus: "active",
    next: { executionId: next?.id, generation: 0, scheduledFor: opening },
  });
  expect(next).toMatchObject({
    stepId: sending.sequence.stepIds[1],
    stepNumber: 2,
    status: "scheduled",
    holdReason: null,
    generation: 0,
    attemptCount: 0,
    countsFrom: at,
    dueAt,
    scheduledFor: opening,
    timezone: "Asia/Bangkok",
    timezoneSource: "company",
    heldAt: null,
  });
  expect(await readEnrollment(db, sending.enrollmentId)).toMatchObject({
    status: "active",
    currentStepNumber: 1,
    startedAt: at,
    completedAt: null,
    endReason: null,
  });
});

test("the first email starts the enrollment, a later one does not start it again", async () => {
  const startedAt = new Date("2026-03-01T08:00:00Z");
  const sending = await makeSending({}, { startedAt });

  await finishExecutions(db, [finishAs(sending)]);

  expect((await readEnrollment(db, sending.enrollmentId)).startedAt).toEqual(startedAt);
});

test("a next step that a window moved says so in an event of its own", async () => {
  const sending = await makeSending();
  const next = step(sending, 2, { deferral: "Closed until Friday 09:00." });

  const [finished] = await finishExecutions(db, [finishAs(sending, { plan: { passedOver: [], next } })]);

  const events = await readEvents(db, finished?.next?.executionId ?? "");
  expect(events).toEqual([
    { at, kind: "deferred", reason: "outside_window", message: "Closed until Friday 09:00.", actor: "worker" },
  ]);
});

test.each(["active", "paused"] as const)("an enrollment that is %s completes when no step is left", async (status) => {
  const sending = await makeSending({}, { status });

  const finished = await finishExecutions(db, [finishAs(sending, { plan: { passedOver: [], next: null } })]);

  expect(finished).toEqual([{ executionId: sending.executionId, enrollmentStatus: "completed", next: null }]);
  expect(await readEnrollment(db, sending.enrollmentId)).toMatchObject({
    status: "completed",
    endReason: "completed",
    completedAt: at,
    endedAt: at,
    currentStepNumber: 1,
  });
});

test.each(["cancelled", "unsubscribed"] as const)(
  "an enrollment that was %s meanwhile does not complete: it keeps status and reason, and counts the step",
  async (status) => {
    const sending = await makeSending({}, { status, endReason: "asked_to" });

    await finishExecutions(db, [finishAs(sending, { plan: { passedOver: [], next: null } })]);

    expect(await readEnrollment(db, sending.enrollmentId)).toMatchObject({
      status,
      endReason: "asked_to",
      completedAt: null,
      currentStepNumber: 1,
    });
  },
);

test.each(["cancelled", "unsubscribed", "completed"] as const)(
  "an enrollment that was %s meanwhile gets its email recorded and no next step",
  async (status) => {
    const sending = await makeSending({}, { status });

    const finished = await finishExecutions(db, [finishAs(sending)]);

    expect(finished).toEqual([{ executionId: sending.executionId, enrollmentStatus: status, next: null }]);
    expect((await readExecutions(db, sending.enrollmentId)).map((row) => row.status)).toEqual(["sent"]);
    expect(await readLog(sending.executionId)).toHaveLength(1);
  },
);

test.each([
  ["the enrollment is paused", "paused", "active", false, "enrollment_paused"],
  ["the sequence is paused", "active", "paused", false, "sequence_paused"],
  ["the schedule never opens", "active", "active", true, "window_never_opens"],
] as const)("while %s, the next step waits without a timer", async (_, status, sequence, isHeld, holdReason) => {
  const sending = await makeSending({}, { status }, { status: sequence });
  const plan = { passedOver: [], next: step(sending, 2, { isHeld }) };

  const finished = await finishExecutions(db, [finishAs(sending, { plan })]);

  expect(finished).toEqual([{ executionId: sending.executionId, enrollmentStatus: status, next: null }]);
  const [, next] = await readExecutions(db, sending.enrollmentId);
  expect(next).toMatchObject({
    stepNumber: 2,
    status: "pending",
    holdReason,
    heldAt: at,
    dueAt,
    scheduledFor: opening,
  });
});

test("steps passed over are recorded as skipped, each with an event, before the next one opens", async () => {
  const sending = await makeSending();
  const passedOver = [passed(sending, 2)];

  await finishExecutions(db, [finishAs(sending, { plan: { passedOver, next: step(sending, 3) } })]);

  const [, skipped, next] = await readExecutions(db, sending.enrollmentId);
  expect(skipped).toMatchObject({ stepNumber: 2, status: "skipped", dueAt: at, scheduledFor: at });
  expect(next).toMatchObject({ stepNumber: 3, status: "scheduled" });
  expect(await readEvents(db, skipped?.id ?? "")).toEqual([
    { at, kind: "skipped", reason: "step_inactive", message: "Step 2 is inactive.", actor: "worker" },
  ]);
});

test("a step that has its execution already, passed over or next, keeps it as it is", async () => {
  const sending = await makeSending();
  const [, second = "", third = ""] = sending.sequence.stepIds;
  for (const [stepNumber, stepId] of [second, third].entries()) {
    await db.query(
      `insert into step_execution (id, enrollment_id, step_id, step_key, step_number, status, counts_from, due_at, scheduled_for)
       values ($1, $2, $3, $3, $4, 'failed', $5, $5, $5)`,
      [newId(), sending.enrollmentId, stepId, stepNumber + 2, at],
    );
  }
  const [, ...before] = await readExecutions(db, sending.enrollmentId);
  const passedOver = [passed(sending, 2)];

  const finished = await finishExecutions(db, [finishAs(sending, { plan: { passedOver, next: step(sending, 3) } })]);

  expect(finished).toMatchObject([{ executionId: sending.executionId, next: null }]);
  const [, ...after] = await readExecutions(db, sending.enrollmentId);
  expect(after).toEqual(before);
});

test("a step that this person has had already, as it was in an earlier version, is not opened or passed over again", async () => {
  const sending = await makeSending();
  const stepKey = sending.sequence.stepIds[0] ?? "";
  const [passedOver, next] = [[{ ...passed(sending, 2), stepKey }], { ...step(sending, 3), stepKey }];

  const finished = await finishExecutions(db, [finishAs(sending, { plan: { passedOver, next } })]);

  expect(finished).toMatchObject([{ executionId: sending.executionId, next: null }]);
  expect(await readExecutions(db, sending.enrollmentId)).toHaveLength(1);
});

test.each([
  { stays: [1, 3], behind: "where the step before it stands now", currentStepNumber: 2 },
  { stays: [3], behind: "nothing, if none before it is left", currentStepNumber: 0 },
])("behind whose step 2 was deleted meanwhile is $behind", async ({ stays, currentStepNumber }) => {
  const sending = await makeSending({}, { currentStepNumber: 1 });
  const versionId = newId();
  await db.query(
    "insert into sequence_version (id, sequence_id, version_number, published_at) values ($1, $2, 2, now())",
    [versionId, sending.sequence.id],
  );
  // The last one goes to the front: where it stands says nothing of where they are.
  await db.query(
    `insert into sequence_step
     select (jsonb_populate_record(st, jsonb_build_object('id', gen_random_uuid(), 'version_id', $1::uuid,
                                                          'step_number', case st.step_number when 3 then 1 else 2 end))).*
     from sequence_step st where st.version_id = $2 and st.step_number = any($3)`,
    [versionId, sending.sequence.versionId, stays],
  );
  await db.query(
    `update step_execution e set step_id = st.id, step_key = st.step_key, step_number = 2
     from sequence_step st where e.id = $1 and st.version_id = $2 and st.step_number = 2`,
    [sending.executionId, sending.sequence.versionId],
  );
  await db.query("update sequence_enrollment set version_id = $1 where id = $2", [versionId, sending.enrollmentId]);

  await finishExecutions(db, [finishAs(sending, { versionId, plan: { passedOver: [], next: null } })]);

  expect(await readEnrollment(db, sending.enrollmentId)).toMatchObject({ currentStepNumber });
});

test("in doubt without a plan, the enrollment stays where it is until an operator decides", async () => {
  const sending = await makeSending();

  const finished = await finishExecutions(db, [finishAs(sending, { to: "in_doubt", event, plan: null })]);

  expect(finished).toEqual([{ executionId: sending.executionId, enrollmentStatus: "active", next: null }]);
  expect(await readEnrollment(db, sending.enrollmentId)).toMatchObject({
    status: "active",
    currentStepNumber: 0,
    startedAt: at,
    endReason: null,
    completedAt: null,
  });
  expect(await readExecutions(db, sending.enrollmentId)).toHaveLength(1);
});

test("a record that comes twice writes nothing the second time", async () => {
  const sending = await makeSending();
  const finish = finishAs(sending, { event });
  await finishExecutions(db, [finish]);
  const before = await readAll(sending);

  expect(await finishExecutions(db, [finish])).toEqual([]);

  expect(await readAll(sending)).toEqual(before);
});

/** Records `refused` between two that are fine: the answer names those two, and nothing of `refused` is written. */
async function expectOnlyOthersAreFinished(refused: MadeExecution, from: Finish["from"]): Promise<void> {
  const others = [await makeOther(from), await makeOther(from)];
  const before = await readAll(refused);
  const passedOver = [passed(refused, 2)];
  const plan = { passedOver, next: step(refused, 3) };
  const email = from === "sending" ? { response: "250 queued" } : null;
  const finishes = [
    finishAs(others[0] as MadeExecution, { from, email }),
    finishAs(refused, { from, email, event, plan }),
    finishAs(others[1] as MadeExecution, { from, email }),
  ];

  const finished = await finishExecutions(db, finishes);

  expect(finished.map((one) => one.executionId).toSorted()).toEqual(others.map((one) => one.executionId).toSorted());
  expect(await readAll(refused)).toEqual(before);
}

function makeOther(from: Finish["from"]): Promise<MadeExecution> {
  return from === "sending" ? makeSending() : makeSending({ status: "scheduled", phase: null });
}

test.each(statusesOtherThan("sending"))("an execution that is %s is not recorded as sent", async (status) => {
  await expectOnlyOthersAreFinished(await makeSending({ status, phase: null }), "sending");
});

test.each(statusesOtherThan("scheduled"))("an execution that is %s is not skipped by a wake-up", async (status) => {
  const phase = status === "sending" ? "data" : null;
  await expectOnlyOthersAreFinished(await makeSending({ status, phase }), "scheduled");
});

test.each(["pending", "failed"] as const)("only an execution that is %s is skipped as such", async (from) => {
  for (const status of statusesOtherThan(from, "sending")) {
    const other = await makeSending({ status, phase: null });
    const before = await readAll(other);
    const skip = finishAs(other, { from, to: "skipped", email: null, event, plan: null });
    expect(await finishExecutions(db, [skip])).toEqual([]);
    expect(await readAll(other)).toEqual(before);
  }
});

test("a worker of an older generation records nothing", async () => {
  await expectOnlyOthersAreFinished(await makeSending({ generation: 3 }), "sending");
});

test("a plan that was made from another version than the enrollment is in now records nothing, in any column or table", async () => {
  const sending = await makeSending();
  await moveToNewVersion(sending);
  await expectOnlyOthersAreFinished(sending, "sending");
});

test("an outcome that opens nothing is recorded whichever version the enrollment is in", async () => {
  const sending = await makeSending();
  await moveToNewVersion(sending);

  const finished = await finishExecutions(db, [finishAs(sending, { to: "in_doubt", event, plan: null })]);

  expect(finished).toEqual([{ executionId: sending.executionId, enrollmentStatus: "active", next: null }]);
  expect(await readExecution(db, sending.executionId)).toMatchObject({
    status: "in_doubt",
    errorMessage: event.message,
  });
  expect(await readLog(sending.executionId)).toHaveLength(1);
});

test("a record that waits for an enrollment to change versions sees the change, and writes nothing", async () => {
  const sending = await makeSending();
  const finish = finishAs(sending, { event });
  const before = await readAll(sending);

  const { finishing, versionId } = await inTransaction(db, async (tx) => {
    const versionId = await moveToNewVersion(sending, tx);
    const finishing = finishExecutions(db, [finish]);
    await waitFor(() => isSomebodyWaiting(db), { timeoutMilliseconds: 5_000, describe: "the record to wait" });
    return { finishing, versionId };
  });

  expect(await finishing).toEqual([]);
  const updatedAt = expect.any(Date);
  expect(await readAll(sending)).toEqual({ ...before, enrollment: { ...before.enrollment, versionId, updatedAt } });
});

/** A second version of the sequence, published, with this one enrollment in it. */
async function moveToNewVersion({ sequence, enrollmentId }: MadeExecution, tx: Queryable = db): Promise<string> {
  const versionId = newId();
  await tx.query(
    "insert into sequence_version (id, sequence_id, version_number, published_at) values ($1, $2, 2, now())",
    [versionId, sequence.id],
  );
  await tx.query("update sequence_enrollment set version_id = $2 where id = $1", [enrollmentId, versionId]);
  return versionId;
}

test("an enrollment that went on from this step before does not go on a second time", async () => {
  const sending = await makeSending({ hasAdvanced: true });
  const before = await readAll(sending);
  expect(await finishExecutions(db, [finishAs(sending)])).toEqual([]);
  expect(await readAll(sending)).toEqual(before);

  expect(await finishExecutions(db, [finishAs(sending, { plan: null })])).toHaveLength(1);
  expect(await readExecution(db, sending.executionId)).toMatchObject({ status: "sent", hasAdvanced: true });
});
