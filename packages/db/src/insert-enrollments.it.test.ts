import type { NextStep, PassedStep } from "@dripline/domain/next-step";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { waitFor } from "@dripline/testkit/wait-for";
import { expect, test } from "vitest";
import { inTransaction } from "./database.ts";
import { insertEnrollments, type NewEnrollment } from "./insert-enrollments.ts";
import { newId } from "./new-id.ts";
import {
  insertExecution,
  isSomebodyWaiting,
  readEnrollment,
  readEvents,
  readExecution,
  readExecutions,
} from "./testing/executions.ts";

const { pool: db } = await freshDatabase();
const enrolledAt = new Date("2026-03-02T20:00:00Z");
const dueAt = new Date("2026-03-02T20:00:00Z");
const opening = new Date("2026-03-03T02:00:00Z");

type Sequence = Awaited<ReturnType<typeof makeSequence>>;

function enrollment(sequence: Sequence, contactId: string, values: Partial<NewEnrollment> = {}): NewEnrollment {
  return {
    enrollmentId: newId(),
    sequenceId: sequence.id,
    versionId: sequence.versionId,
    contactId,
    companyId: null,
    notes: "",
    enrolledAt,
    endedBefore: enrolledAt,
    plan: { passedOver: [], next: step(sequence, 1) },
    ...values,
  };
}

function step(sequence: Sequence, stepNumber: number, values: Partial<NextStep> = {}): NextStep {
  return {
    ...passed(sequence, stepNumber),
    countsFrom: enrolledAt,
    dueAt,
    scheduledFor: opening,
    timezone: "Asia/Bangkok",
    timezoneSource: "company",
    deferral: null,
    isHeld: false,
    ...values,
  };
}

function passed(sequence: Sequence, stepNumber: number): PassedStep {
  const stepId = sequence.stepIds[stepNumber - 1] ?? "";
  return { stepId, stepKey: stepId, stepNumber };
}

async function countEnrollments(
  sequenceId: string,
  contactId: string,
): Promise<{ enrollments: number; executions: number }> {
  const { rows } = await db.query(
    `select count(distinct n.id)::int as enrollments, count(e.id)::int as executions
     from sequence_enrollment n left join step_execution e on e.enrollment_id = n.id
     where n.sequence_id = $1 and n.contact_id = $2`,
    [sequenceId, contactId],
  );
  return rows[0];
}

/** Enrolls `refused` between two that may be: the answer names those two contacts, and nothing of `refused` is written. */
async function expectOnlyOthersAreEnrolled(refused: NewEnrollment): Promise<void> {
  const sequence = await makeSequence(db);
  const [first, last] = [await makeContact(db), await makeContact(db)];
  const before = await countEnrollments(refused.sequenceId, refused.contactId);

  const inserted = await insertEnrollments(db, [
    enrollment(sequence, first.id),
    refused,
    enrollment(sequence, last.id),
  ]);

  expect(inserted.map((one) => one.contactId).toSorted()).toEqual([first.id, last.id].toSorted());
  expect(await countEnrollments(refused.sequenceId, refused.contactId)).toEqual(before);
}

test("an enrollment begins active, with a timer for its first step", async () => {
  const sequence = await makeSequence(db);
  const contact = await makeContact(db);
  const wanted = enrollment(sequence, contact.id, { notes: "Met at a fair." });

  const inserted = await insertEnrollments(db, [wanted]);

  const [first] = await readExecutions(db, wanted.enrollmentId);
  expect(inserted).toEqual([
    {
      enrollmentId: wanted.enrollmentId,
      contactId: contact.id,
      first: { executionId: first?.id, generation: 0, scheduledFor: opening },
    },
  ]);
  expect(first).toMatchObject({ stepNumber: 1, status: "scheduled", generation: 0, dueAt, scheduledFor: opening });
  expect(first).toMatchObject({ countsFrom: enrolledAt, timezone: "Asia/Bangkok", timezoneSource: "company" });
  expect(await readEnrollment(db, wanted.enrollmentId)).toMatchObject({
    sequenceId: sequence.id,
    versionId: sequence.versionId,
    contactId: contact.id,
    status: "active",
    enrolledAt,
    startedAt: null,
    currentStepNumber: 0,
    notes: "Met at a fair.",
  });
  expect(await readEvents(db, first?.id ?? "")).toEqual([]);
});

test("an enrollment is for the company it names, else for the contact's", async () => {
  const [own, named] = [newId(), newId()];
  await db.query("insert into company (id, name) values ($1, 'Own'), ($2, 'Named')", [own, named]);
  const sequence = await makeSequence(db);
  const [ann, bob] = [await makeContact(db, { companyId: own }), await makeContact(db, { companyId: own })];
  const wanted = [enrollment(sequence, ann.id), enrollment(sequence, bob.id, { companyId: named })];

  await insertEnrollments(db, wanted);

  const companies = await Promise.all(wanted.map((one) => readEnrollment(db, one.enrollmentId)));
  expect(companies.map((one) => one.companyId)).toEqual([own, named]);
});

test("a first step that a window moved says so in an event", async () => {
  const sequence = await makeSequence(db);
  const contact = await makeContact(db);
  const next = step(sequence, 1, { deferral: "Closed until Tuesday 09:00." });

  const [inserted] = await insertEnrollments(db, [
    enrollment(sequence, contact.id, { plan: { passedOver: [], next } }),
  ]);

  expect(await readEvents(db, inserted?.first?.executionId ?? "")).toEqual([
    {
      at: enrolledAt,
      kind: "deferred",
      reason: "outside_window",
      message: "Closed until Tuesday 09:00.",
      actor: "enroll",
    },
  ]);
});

test("a first step whose schedule never opens waits without a timer", async () => {
  const sequence = await makeSequence(db);
  const contact = await makeContact(db);
  const next = step(sequence, 1, { isHeld: true });
  const wanted = enrollment(sequence, contact.id, { plan: { passedOver: [], next } });

  expect(await insertEnrollments(db, [wanted])).toMatchObject([{ contactId: contact.id, first: null }]);

  expect(await readExecutions(db, wanted.enrollmentId)).toMatchObject([
    { status: "pending", holdReason: "window_never_opens", heldAt: enrolledAt },
  ]);
});

test("inactive first steps are recorded as skipped, each with an event", async () => {
  const sequence = await makeSequence(db);
  const contact = await makeContact(db);
  const passedOver = [passed(sequence, 1)];
  const wanted = enrollment(sequence, contact.id, { plan: { passedOver, next: step(sequence, 2) } });

  await insertEnrollments(db, [wanted]);

  const executions = await readExecutions(db, wanted.enrollmentId);
  expect(executions).toMatchObject([
    { stepNumber: 1, status: "skipped" },
    { stepNumber: 2, status: "scheduled" },
  ]);
  expect(await readEvents(db, executions[0]?.id ?? "")).toEqual([
    { at: enrolledAt, kind: "skipped", reason: "step_inactive", message: "Step 1 is inactive.", actor: "enroll" },
  ]);
});

test.each(["paused", "archived"] as const)("nobody is enrolled in a sequence that is %s", async (status) => {
  const contact = await makeContact(db);
  await expectOnlyOthersAreEnrolled(enrollment(await makeSequence(db, { status }), contact.id));
});

test("nobody is enrolled in a version that is no longer the current one", async () => {
  const sequence = await makeSequence(db);
  const contact = await makeContact(db);
  await db.query("insert into sequence_version (id, sequence_id, version_number) values ($1, $2, 2)", [
    newId(),
    sequence.id,
  ]);
  await db.query("update email_sequence set current_version_number = 2 where id = $1", [sequence.id]);

  await expectOnlyOthersAreEnrolled(enrollment(sequence, contact.id));
});

test("nobody is enrolled in the version of another sequence", async () => {
  const [sequence, other] = [await makeSequence(db), await makeSequence(db)];
  const contact = await makeContact(db);
  await expectOnlyOthersAreEnrolled(enrollment({ ...other, id: sequence.id }, contact.id));
});

test("a contact who opted out is not enrolled", async () => {
  const contact = await makeContact(db, { optedOutAt: enrolledAt });
  await expectOnlyOthersAreEnrolled(enrollment(await makeSequence(db), contact.id));
});

test.each([
  ["Ann.Suppressed@example.com", "ann.suppressed@EXAMPLE.com"],
  ["bob.suppressed@example.com", "bob.suppressed@example.com"],
  ["carl.suppressed@example.com", "Carl.Suppressed@Example.com"],
])("%s is not enrolled while %s is suppressed", async (email, suppressed) => {
  const contact = await makeContact(db, { email });
  await db.query("insert into suppression (id, email, reason) values ($1, $2, 'manual')", [newId(), suppressed]);
  await expectOnlyOthersAreEnrolled(enrollment(await makeSequence(db), contact.id));
});

test.each(["active", "paused", "completed", "unsubscribed", "cancelled"] as const)(
  "a contact whose enrollment in this sequence is %s is not enrolled again",
  async (status) => {
    const sequence = await makeSequence(db);
    const contact = await makeContact(db);
    await insertExecution(db, sequence, contact.id, {}, { status });
    await expectOnlyOthersAreEnrolled(enrollment(sequence, contact.id));
  },
);

const dayBefore = new Date("2026-03-01T20:00:00Z");
const minuteLater = new Date(dayBefore.getTime() + 60_000);

test.each(["completed", "unsubscribed", "cancelled"] as const)(
  "under `after_end` a contact whose enrollment is %s gets a second one, and the first keeps its history",
  async (status) => {
    const sequence = await makeSequence(db, { reEnrollment: "after_end" });
    const contact = await makeContact(db);
    const ended = { status, endedAt: dayBefore };
    const old = await insertExecution(db, sequence, contact.id, { status: "sent", sentAt: dayBefore }, ended);
    const before = [await readEnrollment(db, old.enrollmentId), await readExecution(db, old.executionId)];
    const wanted = enrollment(sequence, contact.id, { endedBefore: dayBefore });

    expect(await insertEnrollments(db, [wanted])).toMatchObject([{ enrollmentId: wanted.enrollmentId }]);

    expect(await countEnrollments(sequence.id, contact.id)).toEqual({ enrollments: 2, executions: 2 });
    expect([await readEnrollment(db, old.enrollmentId), await readExecution(db, old.executionId)]).toEqual(before);
    expect((await readEnrollment(db, wanted.enrollmentId)).status).toBe("active");
  },
);

test.each(["active", "paused"] as const)(
  "under `after_end` a contact whose enrollment is %s is not enrolled again",
  async (status) => {
    const sequence = await makeSequence(db, { reEnrollment: "after_end" });
    const contact = await makeContact(db);
    await insertExecution(db, sequence, contact.id, {}, { status });
    await expectOnlyOthersAreEnrolled(enrollment(sequence, contact.id));
  },
);

test("under `after_end` a contact whose enrollment ended too recently is not enrolled again", async () => {
  const sequence = await makeSequence(db, { reEnrollment: "after_end" });
  const contact = await makeContact(db);
  const ended = { status: "completed", endedAt: minuteLater } as const;
  await insertExecution(db, sequence, contact.id, { status: "sent" }, ended);
  await expectOnlyOthersAreEnrolled(enrollment(sequence, contact.id, { endedBefore: dayBefore }));
});

test("of several ended enrollments, one that ended too recently is enough to stand in the way", async () => {
  const sequence = await makeSequence(db, { reEnrollment: "after_end" });
  const contact = await makeContact(db);
  for (const endedAt of [dayBefore, minuteLater, dayBefore]) {
    await insertExecution(db, sequence, contact.id, { status: "sent" }, { status: "completed", endedAt });
  }
  await expectOnlyOthersAreEnrolled(enrollment(sequence, contact.id, { endedBefore: dayBefore }));
});

test("of two transactions that enroll a contact again at once, the second waits and enrolls nobody", async () => {
  const sequence = await makeSequence(db, { reEnrollment: "after_end" });
  const contact = await makeContact(db);
  const ended = { status: "completed", endedAt: dayBefore } as const;
  await insertExecution(db, sequence, contact.id, { status: "sent" }, ended);

  const second = await inTransaction(db, async (tx) => {
    expect(await insertEnrollments(tx, [enrollment(sequence, contact.id)])).toHaveLength(1);
    const waiting = [insertEnrollments(db, [enrollment(sequence, contact.id)])];
    await waitFor(() => isSomebodyWaiting(db), { timeoutMilliseconds: 5_000, describe: "the second to wait" });
    return waiting;
  });

  expect(await second[0]).toEqual([]);
  expect(await countEnrollments(sequence.id, contact.id)).toEqual({ enrollments: 2, executions: 2 });
});

test("an enrollment in one sequence does not stand in the way of another, nor one contact in the way of another", async () => {
  const [sequence, other] = [await makeSequence(db), await makeSequence(db)];
  const [ann, bob] = [await makeContact(db), await makeContact(db)];
  await insertExecution(db, sequence, ann.id);

  const inserted = await insertEnrollments(db, [enrollment(other, ann.id), enrollment(sequence, bob.id)]);

  expect(inserted.map((one) => one.contactId).toSorted()).toEqual([ann.id, bob.id].toSorted());
});

test("a contact that is named twice in one call is enrolled once", async () => {
  const sequence = await makeSequence(db);
  const contact = await makeContact(db);

  const inserted = await insertEnrollments(db, [enrollment(sequence, contact.id), enrollment(sequence, contact.id)]);

  expect(inserted).toHaveLength(1);
  expect(await countEnrollments(sequence.id, contact.id)).toEqual({ enrollments: 1, executions: 1 });
});

test("of two transactions that enroll a contact at once, the second waits and enrolls nobody", async () => {
  const sequence = await makeSequence(db);
  const contact = await makeContact(db);

  const second = await inTransaction(db, async (tx) => {
    expect(await insertEnrollments(tx, [enrollment(sequence, contact.id)])).toHaveLength(1);
    // In an array, because returning a promise would wait for it, and it waits for this transaction.
    const waiting = [insertEnrollments(db, [enrollment(sequence, contact.id)])];
    await waitFor(() => isSomebodyWaiting(db), { timeoutMilliseconds: 5_000, describe: "the second to wait" });
    return waiting;
  });

  expect(await second[0]).toEqual([]);
  expect(await countEnrollments(sequence.id, contact.id)).toEqual({ enrollments: 1, executions: 1 });
});
