import { newId } from "@dripline/db/new-id";
import { deleteHistory, findEndedHistory, historyBegin } from "@dripline/db/prune-history";
import { takeTurn } from "@dripline/db/take-turn";
import { insertExecution } from "@dripline/db/testing/executions";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { beforeEach, describe, expect, test } from "vitest";
import { prune } from "./prune.ts";

const { pool: db } = await freshDatabase();
const sequence = await makeSequence(db, { steps: [{}, {}] });
const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000);
const before = daysAgo(180);
const long = daysAgo(200);
type Values = NonNullable<Parameters<typeof insertExecution>[3]>;
type Enrollment = NonNullable<Parameters<typeof insertExecution>[4]>;

beforeEach(() =>
  db.query(`truncate email_log, execution_event, audit_log, contact_import cascade;
            delete from step_execution; delete from sequence_enrollment`),
);

/** An enrollment with an execution of long ago, its event and its email. */
async function make(
  values: Values = {},
  enrollment: Enrollment = {},
): Promise<{ enrollmentId: string; executionId: string }> {
  const made = await insertExecution(
    db,
    sequence,
    (await makeContact(db)).id,
    { status: "sent", scheduledFor: long, dueAt: long, sentAt: long, ...values },
    { status: "completed", endedAt: long, ...enrollment },
  );
  await db.query(
    `insert into execution_event (id, execution_id, at, kind, reason, message, actor) values ($1, $2, $3, 'deferred', 'x', 'x', 'x')`,
    [newId(), made.executionId, long],
  );
  const logId = await makeLog(made.executionId);
  await db.query("update step_execution set email_log_id = $2 where id = $1", [made.executionId, logId]);
  return made;
}

async function makeLog(executionId: string, sentAt = long): Promise<string> {
  const id = newId();
  await db.query(
    `insert into email_log (id, execution_id, message_id, from_address, to_address, subject, variables, outcome, sent_at)
     values ($1, $2, $1::uuid::text, 'a@example.com', 'b@example.com', 's', '{}', 'accepted', $3)`,
    [id, executionId, sentAt],
  );
  return id;
}

async function left(): Promise<{ enrollments: number; executions: number; events: number; logs: number }> {
  const { rows } = await db.query(
    `select (select count(*)::int from sequence_enrollment) as enrollments, (select count(*)::int from step_execution) as executions,
            (select count(*)::int from execution_event) as events, (select count(*)::int from email_log) as logs`,
  );
  return rows[0];
}

test("what ended long ago goes: executions, events and emails; the enrollment stays", async () => {
  await make();
  expect(await prune(db, { before, isDryRun: true })).toMatchObject({ executions: 1, events: 1, emailLogs: 1 });
  expect(await left()).toEqual({ enrollments: 1, executions: 1, events: 1, logs: 1 });
  expect(await prune(db, { before, isDryRun: false })).toMatchObject({ executions: 1, events: 1, emailLogs: 1 });
  expect(await left()).toEqual({ enrollments: 1, executions: 0, events: 0, logs: 0 });
  expect(await prune(db, { before, isDryRun: false })).toMatchObject({ executions: 0, events: 0, emailLogs: 0 });
});

test("an execution that was skipped when its enrollment ended goes with the others, although it was planned for later", async () => {
  const { enrollmentId } = await make({}, { status: "cancelled" });
  const [, stepId = ""] = sequence.stepIds;
  await db.query(
    `insert into step_execution (id, enrollment_id, step_id, step_key, step_number, status, counts_from, due_at, scheduled_for)
     values ($1, $2, $3, $3, 2, 'skipped', $4, $5, $5)`,
    [newId(), enrollmentId, stepId, long, daysAgo(100)],
  );
  expect(await prune(db, { before, isDryRun: false })).toMatchObject({ executions: 2 });
});

describe("nothing goes of an enrollment", () => {
  test.each<[string, Values, Enrollment]>([
    ["that is active, however old its emails", {}, { status: "active", endedAt: null }],
    ["that is paused", {}, { status: "paused", endedAt: null }],
    ["that ended lately, however old its emails", {}, { endedAt: daysAgo(100) }],
    ["with an email in doubt", { status: "in_doubt" }, {}],
    ["with an email that is scheduled: a doubt that is sent again", { status: "scheduled", hasAdvanced: true }, {}],
    ["with an email at the mail server", { status: "sending", phase: "data" }, {}],
    ["with an email that is held", { status: "pending" }, {}],
  ])("%s", async (_what, values, enrollment) => {
    await make(values, enrollment);
    expect(await prune(db, { before, isDryRun: true })).toMatchObject({ executions: 0, emailLogs: 0 });
    expect(await prune(db, { before, isDryRun: false })).toMatchObject({ executions: 0, emailLogs: 0 });
    expect(await left()).toEqual({ enrollments: 1, executions: 1, events: 1, logs: 1 });
  });
});

test("an email in the log whose enrollment was deleted goes by its own age", async () => {
  await makeLog(newId());
  await makeLog(newId(), daysAgo(100));
  expect(await prune(db, { before, isDryRun: true })).toMatchObject({ emailLogs: 1 });
  expect(await prune(db, { before, isDryRun: false })).toMatchObject({ emailLogs: 1 });
  expect(await left()).toMatchObject({ logs: 1 });
});

test("old audit entries and imports go, with the rows that failed; new ones and imports under way stay", async () => {
  for (const at of [long, daysAgo(100)]) {
    await db.query(
      "insert into audit_log (id, at, principal, action, object_type, object_id) values ($1, $2, 'x', 'x', 'x', 'x')",
      [newId(), at],
    );
  }
  for (const endedAt of [long, daysAgo(100), null]) {
    const id = newId();
    await db.query(
      "insert into contact_import (id, status, options, principal, created_at, ended_at) values ($1, $2, '{}', 'x', $3, $4)",
      [id, endedAt === null ? "running" : "completed", long, endedAt],
    );
    await db.query(
      `insert into contact_import_failure (import_id, row_number, code, message, fields)
       select $1, i, 'x', 'x', '[]' from generate_series(1, 1200) i`,
      [id],
    );
  }
  expect(await prune(db, { before, isDryRun: true })).toMatchObject({ auditEntries: 1, imports: 1 });
  expect(await prune(db, { before, isDryRun: false })).toMatchObject({ auditEntries: 1, imports: 1 });
  expect((await db.query("select from audit_log")).rowCount).toBe(1);
  expect((await db.query("select from contact_import")).rowCount).toBe(2);
  expect((await db.query("select from contact_import_failure")).rowCount).toBe(2_400);
});

test("whoever had a sequence that takes nobody twice is known after it is pruned", async () => {
  const { enrollmentId } = await make();
  await prune(db, { before, isDryRun: false });
  const { rows } = await db.query("select status, ended_at from sequence_enrollment where id = $1", [enrollmentId]);
  expect(rows).toEqual([{ status: "completed", ended_at: long }]);
});

test("one that somebody is at is left for the next time, and nobody waits for it", async () => {
  const { enrollmentId } = await make();
  await make();
  const other = await db.connect();
  try {
    await other.query("begin");
    await other.query("select from sequence_enrollment where id = $1 for update", [enrollmentId]);
    expect(await prune(db, { before, isDryRun: false })).toMatchObject({ executions: 1 });
  } finally {
    await other.query("rollback");
    other.release();
  }
  expect(await prune(db, { before, isDryRun: false })).toMatchObject({ executions: 1 });
});

test("one that an operator opened again after it was found, and before its turn came, stays", async () => {
  const { executionId } = await make({ status: "failed" });
  await make();
  const found = await findEndedHistory(db, { after: historyBegin, before, limit: 10 });
  expect(found?.enrollmentIds).toHaveLength(2);
  await db.query("update step_execution set status = 'scheduled', sent_at = null where id = $1", [executionId]);
  expect(await deleteHistory(db, found?.enrollmentIds ?? [], before)).toMatchObject({ executions: 1 });
  const { rows } = await db.query("select id from step_execution");
  expect(rows).toEqual([{ id: executionId }]);
});

test("it is told to stop between two batches, and goes on where it was when it runs again", async () => {
  await make();
  await db.query(
    `with people as (insert into contact (id, email) select gen_random_uuid(), 'p' || i || '@example.com' from generate_series(1, 1200) i returning id),
     ended as (
       insert into sequence_enrollment (id, sequence_id, version_id, contact_id, status, enrolled_at, ended_at)
       select gen_random_uuid(), $1, $2, id, 'completed', $4, $4 from people returning id)
     insert into step_execution (id, enrollment_id, step_id, step_key, step_number, counts_from, due_at, scheduled_for, status)
     select gen_random_uuid(), id, $3, $3, 1, $4, $4, $4, 'sent' from ended`,
    [sequence.id, sequence.versionId, sequence.stepIds[0], long],
  );
  const stopping = new AbortController();
  const first = await prune(db, {
    before,
    isDryRun: false,
    signal: stopping.signal,
    onProgress: () => stopping.abort(),
  });
  expect(first.executions).toBe(500);
  expect((await prune(db, { before, isDryRun: false })).executions).toBe(701);
});

test("of several at once one gets the turn, and nobody before the time is over", async () => {
  const turns = await Promise.all([1, 2, 3].map(() => takeTurn(db, "a test", 23)));
  expect(turns.filter(Boolean)).toHaveLength(1);
  expect(await takeTurn(db, "a test", 23)).toBe(false);
  await db.query("update sweep_cursor set at = at - interval '24 hours' where sweep = 'a test'");
  expect(await takeTurn(db, "a test", 23)).toBe(true);
});
