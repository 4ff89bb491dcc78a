import { readFile } from "node:fs/promises";
import { planNextStep } from "@dripline/domain/next-step";
import { resolveZone } from "@dripline/domain/time-zone";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact } from "@dripline/testkit/factories";
import { beforeAll, expect, test } from "vitest";
import { claimExecutions } from "./claim-executions.ts";
import { endEnrollments } from "./end-enrollments.ts";
import { finishExecutions } from "./finish-executions.ts";
import { insertEnrollments } from "./insert-enrollments.ts";
import { loadEnrollableContacts, loadEnrollableSequence } from "./load-enrollable.ts";
import { loadFacts } from "./load-facts.ts";
import { migrateDatabase } from "./migrate.ts";
import { migrationState } from "./migration-state.ts";
import { newId } from "./new-id.ts";
import { reviveExecutions } from "./revive-executions.ts";
import { readEnrollment, readExecution, sourceOf } from "./testing/executions.ts";

/** A database of the first release, with people in every state, brought to the schema of this version. */

const { url, pool: db } = await freshDatabase();
const made = new Date("2026-03-01T08:00:00Z");
const changed = new Date("2026-03-04T09:00:00Z");
const completed = new Date("2026-03-03T10:00:00Z");
const due = new Date("2026-03-05T08:00:00Z");

const [scheduleId, templateId] = [newId(), newId()];
const sequences = { active: newSequence(), paused: newSequence(), archived: newSequence() };

function newSequence() {
  return { id: newId(), versionId: newId(), stepIds: [newId(), newId(), newId()] as const };
}

type SequenceStatus = keyof typeof sequences;
type Columns = Record<string, unknown>;

/** Name of the row → what it was before: [sequence, enrollment, first execution, second execution if there is one]. */
const people: Record<string, [SequenceStatus, Columns, Columns, Columns?]> = {
  waiting: ["active", { status: "active" }, { status: "scheduled" }],
  between: [
    "active",
    { status: "active", current_step_number: 1 },
    { status: "sent", sent_at: made },
    { status: "scheduled" },
  ],
  sending: [
    "active",
    { status: "active" },
    { status: "sending", phase: "data", lease_until: due, generation: 1, attempt_count: 1 },
  ],
  failed: ["active", { status: "active" }, { status: "failed", attempt_count: 3, error_message: "550 No such user." }],
  held: ["active", { status: "active" }, { status: "pending", hold_reason: "template_variable_missing" }],
  pausedAlone: ["active", { status: "paused" }, { status: "pending", hold_reason: "enrollment_paused" }],
  inDoubt: ["active", { status: "active" }, { status: "in_doubt" }, { status: "scheduled" }],
  pausedWithAll: ["paused", { status: "active" }, { status: "pending", hold_reason: "sequence_paused" }],
  archived: ["archived", { status: "active" }, { status: "scheduled" }],
  completed: ["active", { status: "completed", completed_at: completed, end_reason: "completed" }, { status: "sent" }],
  cancelled: ["active", { status: "cancelled", end_reason: "cancelled" }, { status: "sent" }, { status: "skipped" }],
  unsubscribed: ["active", { status: "unsubscribed", end_reason: "unsubscribed" }, { status: "skipped" }],
};
const ids = Object.fromEntries(
  Object.keys(people).map((name) => [name, { enrollmentId: newId(), executionIds: [newId(), newId()] as const }]),
);

function idsOf(name: string) {
  const found = ids[name];
  if (found === undefined) throw new Error(`nobody is called ${name}`);
  return found;
}

beforeAll(async () => {
  await db.query("drop schema public cascade; drop schema drizzle cascade; create schema public");
  await migrateToFirstRelease();
  await insertContent();
  for (const [name, [sequence, enrollment, ...executions]] of Object.entries(people)) {
    const { enrollmentId, executionIds } = idsOf(name);
    const { id: sequence_id, versionId: version_id, stepIds } = sequences[sequence];
    const { id: contact_id } = await insert("contact", { id: newId(), email: `${name}@example.com` });
    const dates = { created_at: made, updated_at: changed };
    const row = { id: enrollmentId, sequence_id, version_id, contact_id, enrolled_at: made, ...dates, ...enrollment };
    await insert("sequence_enrollment", row);
    for (const [index, execution] of executions.entries()) {
      await insert("step_execution", {
        id: executionIds[index],
        enrollment_id: enrollmentId,
        step_id: stepIds[index],
        step_number: index + 1,
        due_at: due,
        scheduled_for: due,
        ...dates,
        ...execution,
      });
    }
  }

  await insert("email_log", {
    id: newId(),
    execution_id: idsOf("between").executionIds[0],
    message_id: "<0@example.com>",
    from_address: "us@example.com",
    to_address: "between@example.com",
    subject: "Hello",
    variables: "{}",
    outcome: "accepted",
    sent_at: made,
  });

  expect(await migrationState(db)).toBe("behind");
  await migrateDatabase(url);
});

async function migrateToFirstRelease(): Promise<void> {
  const folder = new URL("../migrations/", import.meta.url);
  const journal = JSON.parse(await readFile(new URL("meta/_journal.json", folder), "utf8"));
  await db.query(await readFile(new URL("0000_init.sql", folder), "utf8"));
  await db.query(`create schema drizzle;
    create table drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint)`);
  await insert("drizzle.__drizzle_migrations", { hash: "of the first", created_at: journal.entries[0].when });
}

async function insertContent(): Promise<void> {
  await insert("schedule", {
    id: scheduleId,
    name: "Always",
    timezone: "UTC",
    windows: JSON.stringify([1, 2, 3, 4, 5, 6, 7].map((weekday) => ({ weekday, start: "00:00", end: "24:00" }))),
    spread_minutes: 0,
  });
  await insert("email_template", { id: templateId, name: "Hello" });
  const text = { subject: "Hello", mjml: "", html: "<p>Hello</p>", text: "Hello" };
  await insert("email_template_version", { id: newId(), template_id: templateId, version_number: 1, ...text });
  for (const [status, { id, versionId, stepIds }] of Object.entries(sequences)) {
    const dates = { created_at: made, updated_at: changed };
    await insert("email_sequence", { id, name: `It is ${status}`, status, schedule_id: scheduleId, ...dates });
    await insert("sequence_version", { id: versionId, sequence_id: id, version_number: 1, created_at: made });
    for (const [index, stepId] of stepIds.entries()) {
      const step = { id: stepId, version_id: versionId, step_number: index + 1, name: `Step ${index + 1}` };
      await insert("sequence_step", { ...step, template_id: templateId, delay_value: index, delay_unit: "days" });
    }
  }
}

async function insert<Row extends Columns>(table: string, row: Row): Promise<Row> {
  const columns = Object.keys(row);
  const places = columns.map((_, index) => `$${index + 1}`);
  await db.query(`insert into ${table} (${columns.join(", ")}) values (${places.join(", ")})`, Object.values(row));
  return row;
}

const executionOf = (name: string, index: 0 | 1 = 0) => readExecution(db, idsOf(name).executionIds[index]);
const enrollmentOf = (name: string) => readEnrollment(db, idsOf(name).enrollmentId);

test("the database is current, and migrating once more changes nothing", async () => {
  expect(await migrationState(db)).toBe("current");
  const before = await executionOf("held");
  await migrateDatabase(url);
  expect(await executionOf("held")).toEqual(before);
});

test("each email that went out is found by its sequence", async () => {
  const { rows } = await db.query("select sequence_id from email_log");
  expect(rows).toEqual([{ sequence_id: sequences.active.id }]);
});

test("each step is its own first version, and each version is published since it was made", async () => {
  const steps = await db.query("select id, step_key, max_lateness, late_policy from sequence_step");
  expect(steps.rows).toHaveLength(9);
  for (const step of steps.rows) {
    expect(step).toEqual({ id: step.id, step_key: step.id, max_lateness: null, late_policy: "send" });
  }
  const versions = await db.query("select published_at from sequence_version");
  expect(versions.rows).toEqual(Array(3).fill({ published_at: made }));
});

test("each execution has the key of its step, counts from when it was made, and keeps everything else", async () => {
  for (const [name, [sequence, , ...executions]] of Object.entries(people)) {
    for (const [index, before] of executions.entries()) {
      const stepId = sequences[sequence].stepIds[index];
      expect(await executionOf(name, index as 0 | 1)).toMatchObject({
        stepId,
        stepKey: stepId,
        countsFrom: made,
        dueAt: due,
        scheduledFor: due,
        timezone: null,
        timezoneSource: null,
        status: before?.status,
        phase: before?.phase ?? null,
        holdReason: before?.hold_reason ?? null,
        heldAt: before?.status === "pending" ? changed : null,
        sentAt: before?.sent_at ?? null,
        attemptCount: before?.attempt_count ?? 0,
        errorMessage: before?.error_message ?? null,
        updatedAt: changed,
      });
    }
  }
});

test.each([
  ["waiting", { endedAt: null, pausedAt: null }],
  ["pausedAlone", { endedAt: null, pausedAt: changed }],
  ["pausedWithAll", { endedAt: null, pausedAt: null }],
  ["completed", { endedAt: completed, pausedAt: null }],
  ["cancelled", { endedAt: changed, pausedAt: null }],
  ["unsubscribed", { endedAt: changed, pausedAt: null }],
])("the enrollment of %s knows when it ended or was paused", async (name, instants) => {
  expect(await enrollmentOf(name)).toMatchObject({ ...instants, resumeAt: null });
});

test.each([
  ["active", null],
  ["paused", changed],
  ["archived", null],
] as const)(
  "a sequence that is %s knows since when it is paused, and lets nobody in again",
  async (status, paused_at) => {
    const { rows } = await db.query(
      "select paused_at, revision, re_enrollment, re_enrollment_cooldown, sends_per_day_max from email_sequence where id = $1",
      [sequences[status].id],
    );
    const limits = { re_enrollment: "never", re_enrollment_cooldown: null, sends_per_day_max: null };
    expect(rows).toEqual([{ paused_at, revision: 1, ...limits }]);
  },
);

test("a schedule keeps its windows and has neither holidays nor special hours", async () => {
  const { rows } = await db.query(
    "select holidays, special_hours, jsonb_array_length(windows) as windows from schedule",
  );
  expect(rows).toEqual([{ holidays: null, special_hours: [], windows: 7 }]);
});

test("whoever waited for their second step gets it, and then their third", async () => {
  const [, executionId] = idsOf("between").executionIds;
  const [facts] = await loadFacts(db, [executionId]);
  if (facts === undefined) throw new Error("no facts");
  expect(facts.laterSteps.map((step) => step.stepNumber)).toEqual([3]);

  const zone = resolveZone(facts.schedule, { contact: null, company: null });
  const { stepId } = facts.execution;
  const claims = await claimExecutions(
    db,
    [
      {
        executionId,
        generation: 0,
        stepId,
        messageId: "<1@example.com>",
        source: sourceOf(stepId),
        openUntil: new Date(Date.now() + 60_000),
        scheduleUpdatedAt: facts.schedule.updatedAt,
        zone,
      },
    ],
    60,
  );
  expect(claims).toHaveLength(1);
  const plan = planNextStep({
    steps: facts.laterSteps,
    afterStepNumber: 0,
    from: due,
    enrollmentId: facts.enrollment.id,
    schedule: facts.schedule,
    zone,
    pace: { dayMilliseconds: 86_400_000 },
  });
  const finish = {
    executionId,
    generation: 1,
    from: "sending",
    to: "sent",
    at: due,
    email: null,
    event: null,
  } as const;
  const [finished] = await finishExecutions(db, [{ ...finish, versionId: facts.enrollment.versionId, plan }]);

  expect(await readExecution(db, finished?.next?.executionId ?? "")).toMatchObject({
    stepId: sequences.active.stepIds[2],
    status: "scheduled",
    dueAt: new Date("2026-03-07T08:00:00Z"),
  });
});

test("what was at the mail server, failed or held before is finished, tried again or ended", async () => {
  const [sending] = idsOf("sending").executionIds;
  const { versionId } = sequences.active;
  const finish = { executionId: sending, generation: 1, from: "sending", to: "sent", at: due, email: null } as const;
  const finished = await finishExecutions(db, [
    { ...finish, event: null, versionId, plan: { passedOver: [], next: null } },
  ]);
  expect(finished).toMatchObject([{ enrollmentStatus: "completed" }]);
  expect(await enrollmentOf("sending")).toMatchObject({ endedAt: due });

  const [failed, held] = [idsOf("failed").executionIds[0], idsOf("held").executionIds[0]];
  const revived = await reviveExecutions(db, { executionIds: [failed, held] }, { now: due, actor: "operator" });
  expect(revived.map((one) => one.executionId).toSorted()).toEqual([failed, held].toSorted());

  const { enrollmentId } = idsOf("pausedAlone");
  const end = { enrollmentIds: [enrollmentId], to: "cancelled", endReason: "asked_to", note: "", now: due } as const;
  expect(await endEnrollments(db, { ...end, actor: "operator" })).toEqual([enrollmentId]);
  expect(await executionOf("pausedAlone")).toMatchObject({ status: "skipped", holdReason: null, heldAt: null });
});

test("somebody new is enrolled; whoever was enrolled before is so again once the sequence allows it", async () => {
  const { id: sequenceId } = sequences.active;
  const somebody = (await makeContact(db)).id;
  const before = (await enrollmentOf("cancelled")).contactId;

  expect(await enroll([somebody, before])).toEqual([somebody]);
  await db.query("update email_sequence set re_enrollment = 'after_end' where id = $1", [sequenceId]);
  expect(await enroll([somebody, before])).toEqual([before]);

  async function enroll(contactIds: string[]): Promise<string[]> {
    const sequence = await loadEnrollableSequence(db, sequenceId);
    if (sequence === undefined) throw new Error("no sequence");
    const people = contactIds.map((contactId) => ({ contactId, companyId: null }));
    const contacts = await loadEnrollableContacts(db, sequenceId, people);
    const enrollments = contacts.map(({ id: contactId, zones }) => {
      const enrollmentId = newId();
      const { steps, schedule, versionId } = sequence;
      const zone = resolveZone(schedule, zones);
      const pace = { dayMilliseconds: 86_400_000 };
      const plan = planNextStep({ steps, afterStepNumber: 0, from: due, enrollmentId, schedule, zone, pace });
      const common = { sequenceId, versionId, companyId: null, notes: "", enrolledAt: due, endedBefore: due };
      return { ...common, enrollmentId, contactId, plan };
    });
    return (await insertEnrollments(db, enrollments)).map((one) => one.contactId);
  }
});
