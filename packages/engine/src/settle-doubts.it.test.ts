import { openDatabase } from "@dripline/db/database";
import {
  insertExecution,
  type MadeExecution,
  readEnrollment,
  readEvents,
  readExecution,
  readExecutions,
} from "@dripline/db/testing/executions";
import { REAL_PACE } from "@dripline/domain/delay";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { afterAll, describe, expect, test } from "vitest";
import { settleDoubts } from "./settle-doubts.ts";

const { url } = await freshDatabase();
const db = openDatabase({ url, connectionsMax: 4, applicationName: "test", onError: () => {} });
afterAll(() => db.end());

const handedOverAt = new Date("2026-03-02T10:00:00Z");
const now = new Date("2026-03-03T10:00:00Z");
const by = { note: "They called.", now, actor: "ann", pace: REAL_PACE };

/** Step 1 of 2 was handed over, and nobody knows what became of it. */
async function inDoubt(
  values: Parameters<typeof insertExecution>[3] = {},
  enrollment: Parameters<typeof insertExecution>[4] = {},
): Promise<MadeExecution> {
  const contact = await makeContact(db);
  const sequence = await makeSequence(db, {
    steps: [{}, { delay: { value: 3, unit: "days" } }],
    inDoubtPolicy: "hold",
  });
  const made = await insertExecution(
    db,
    sequence,
    contact.id,
    { status: "in_doubt", generation: 3, attemptCount: 1, ...values },
    enrollment,
  );
  await db.query(
    `with log as (
       insert into email_log (id, execution_id, message_id, from_address, to_address, subject, variables, outcome, sent_at)
       values (gen_random_uuid(), $1, '<1@x>', 'us@example.com', 'ann@example.com', 'Hello', '{}', 'in_doubt', $2) returning id
     ) update step_execution set email_log_id = (select id from log) where id = $1`,
    [made.executionId, handedOverAt],
  );
  return made;
}

const settle = (which: { executionIds: string[] } | { limit: number }, as: "sent" | "resend") =>
  settleDoubts(db, { which, as, ...by });

describe("settled as sent", () => {
  test("an enrollment that waited goes on, counted from the moment of the handing over; both are on record", async () => {
    const { executionId, enrollmentId } = await inDoubt();
    const settled = await settle({ executionIds: [executionId] }, "sent");

    expect(settled.executionIds).toEqual([executionId]);
    const [first, second] = await readExecutions(db, enrollmentId);
    expect(first).toMatchObject({ status: "sent", sentAt: handedOverAt, hasAdvanced: true });
    expect(second).toMatchObject({ status: "scheduled", stepNumber: 2, dueAt: new Date("2026-03-05T10:00:00Z") });
    expect(settled.wakes).toEqual([
      { executionId: second?.id, generation: 0, at: second?.scheduledFor, scheduledFor: second?.scheduledFor },
    ]);
    expect(await readEvents(db, executionId)).toEqual([
      {
        at: now,
        kind: "sent",
        reason: "settled_sent",
        message: "An operator found that it was delivered. They called.",
        actor: "ann",
      },
    ]);
  });

  test("an enrollment that had gone on is left where it is", async () => {
    const { executionId, enrollmentId } = await inDoubt(
      { hasAdvanced: true },
      { status: "completed", currentStepNumber: 2 },
    );
    const before = await readEnrollment(db, enrollmentId);
    expect(await settle({ executionIds: [executionId] }, "sent")).toEqual({ executionIds: [executionId], wakes: [] });
    expect(await readExecutions(db, enrollmentId)).toHaveLength(1);
    expect(await readEnrollment(db, enrollmentId)).toMatchObject({
      status: "completed",
      completedAt: before.completedAt,
    });
  });

  test("of an enrollment that was cancelled meanwhile opens nothing", async () => {
    const { executionId, enrollmentId } = await inDoubt({}, { status: "cancelled" });
    expect(await settle({ executionIds: [executionId] }, "sent")).toEqual({ executionIds: [executionId], wakes: [] });
    expect(await readExecutions(db, enrollmentId)).toMatchObject([{ status: "sent" }]);
  });
});

describe("sent again", () => {
  test("it is due now, with its Message-ID and source, a new generation and a fresh count of attempts", async () => {
    const { executionId } = await inDoubt();
    const before = await readExecution(db, executionId);
    expect(await settle({ executionIds: [executionId] }, "resend")).toEqual({
      executionIds: [executionId],
      wakes: [{ executionId, generation: 4, at: now }],
    });
    expect(await readExecution(db, executionId)).toMatchObject({
      status: "scheduled",
      scheduledFor: now,
      dueAt: now,
      attemptCount: 0,
      messageId: before.messageId,
      messageSource: before.messageSource,
    });
    expect(await readEvents(db, executionId)).toMatchObject([
      { kind: "revived", reason: "settled_resend", actor: "ann" },
    ]);
  });

  test("also when its enrollment has gone on to its end", async () => {
    const { executionId } = await inDoubt({ hasAdvanced: true }, { status: "completed" });
    expect((await settle({ executionIds: [executionId] }, "resend")).executionIds).toEqual([executionId]);
  });

  test.each(["cancelled", "unsubscribed"] as const)("but not to somebody whose enrollment was %s", async (status) => {
    const { executionId } = await inDoubt({ hasAdvanced: true }, { status });
    expect(await settle({ executionIds: [executionId] }, "resend")).toEqual({ executionIds: [], wakes: [] });
    expect(await readExecution(db, executionId)).toMatchObject({ status: "in_doubt" });
  });
});

test("what is not in doubt is left alone, and of two settlements at once one moves the row", async () => {
  const sent = await inDoubt({ status: "sent" });
  expect(await settle({ executionIds: [sent.executionId] }, "resend")).toEqual({ executionIds: [], wakes: [] });

  const { executionId } = await inDoubt();
  const both = await Promise.all([
    settle({ executionIds: [executionId] }, "sent"),
    settle({ executionIds: [executionId] }, "resend"),
  ]);
  expect(both.flatMap(({ executionIds }) => executionIds)).toEqual([executionId]);
});

test("without ids the oldest are settled, as many as were asked for", async () => {
  await db.query("update step_execution set status = 'sent' where status = 'in_doubt'");
  const older = await inDoubt({ scheduledFor: new Date("2026-01-01T00:00:00Z") });
  await inDoubt({ scheduledFor: new Date("2026-01-02T00:00:00Z") });
  expect((await settle({ limit: 1 }, "resend")).executionIds).toEqual([older.executionId]);
});
