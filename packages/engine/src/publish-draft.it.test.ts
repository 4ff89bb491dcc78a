import { type Database, inTransaction, openDatabase } from "@dripline/db/database";
import { loadEnrollableSequence } from "@dripline/db/load-enrollable";
import { loadFacts } from "@dripline/db/load-facts";
import { newId } from "@dripline/db/new-id";
import { bumpRevision, lockSequence } from "@dripline/db/queries/lock-sequence";
import {
  isSomebodyWaiting,
  readEnrollment,
  readEvents,
  readExecution,
  readExecutions,
} from "@dripline/db/testing/executions";
import { REAL_PACE } from "@dripline/domain/delay";
import { BUSINESS_HOURS, type Schedule } from "@dripline/domain/schedule";
import { freshDatabase } from "@dripline/testkit/database";
import { type MadeStep, makeContact, makeSequence } from "@dripline/testkit/factories";
import { waitFor } from "@dripline/testkit/wait-for";
import { afterAll, describe, expect, test } from "vitest";
import { enrollContact } from "./enroll.ts";
import { publishDraft } from "./publish-draft.ts";
import { resumeEnrollments } from "./resume-enrollments.ts";
import { changed, editSteps, kept, newStep, publish } from "./testing/publishing.ts";
import { unenroll } from "./unenroll.ts";

const { url } = await freshDatabase();
const db: Database = openDatabase({ url, connectionsMax: 10, applicationName: "test", onError: () => {} });
afterAll(() => db.end());

/** A Monday, 10:00 in Bangkok: inside business hours. */
const enrolledAt = new Date("2026-11-23T03:00:00.000Z");
const days = (count: number) => new Date(enrolledAt.getTime() + count * 86_400_000);
const now = days(1);
const inDays = (value: number) => ({ delay: { value, unit: "days" } }) as const;

const somebodyWaits = () =>
  waitFor(() => isSomebodyWaiting(db), { timeoutMilliseconds: 10_000, describe: "somebody to wait for a lock" });

/** Somebody who waits at the first of these steps. */
async function waiting(steps: readonly MadeStep[] = [inDays(3), inDays(3), inDays(3)], schedule?: Schedule) {
  const sequence = await makeSequence(db, { steps, ...(schedule && { schedule }) });
  return { sequence, ...(await enroll(sequence.id)) };
}

async function enroll(sequenceId: string, queryable: Parameters<typeof enrollContact>[0] = db) {
  const { id: contactId } = await makeContact(db);
  const request = { sequenceId, contactId, companyId: null, notes: "" };
  const result = await enrollContact(queryable, request, { now: enrolledAt, pace: REAL_PACE });
  if (result.kind !== "enrolled") throw new Error(`not enrolled: ${JSON.stringify(result)}`);
  return { enrollmentId: result.enrollmentId, executionId: result.wakes[0]?.executionId ?? "" };
}

async function set(executionId: string, values: string): Promise<void> {
  await db.query(`update step_execution set ${values} where id = $1`, [executionId]);
}

async function published(sequenceId: string, request: Parameters<typeof publish>[3] = {}) {
  const result = await publish(db, sequenceId, now, request);
  if (result.kind !== "published") throw new Error(`not published: ${JSON.stringify(result)}`);
  return result.publication;
}

const versionIdOf = async (sequenceId: string, number: number) => {
  const { rows } = await db.query("select id from sequence_version where sequence_id = $1 and version_number = $2", [
    sequenceId,
    number,
  ]);
  return rows[0]?.id;
};

describe("people follow to the new version", () => {
  test("a step whose delay stays keeps timer and generation, and takes number and content of the new version", async () => {
    const { sequence, enrollmentId, executionId } = await waiting();
    const before = await readExecution(db, executionId);
    const draft = await editSteps(db, sequence.id, now, ([first, ...rest]) => [
      newStep(first),
      changed(first, { name: "Renamed" }),
      ...rest,
    ]);

    const { wakes } = await published(sequence.id);

    const after = await readExecution(db, executionId);
    expect(after).toEqual({ ...before, stepId: draft.stepIds[1], stepNumber: 2, updatedAt: after.updatedAt });
    expect(await readEvents(db, executionId)).toEqual([]);
    expect(wakes).toEqual([]);
    expect(await readEnrollment(db, enrollmentId)).toMatchObject({
      status: "active",
      versionId: await versionIdOf(sequence.id, 2),
      currentStepNumber: 0,
    });
  });

  test.each([
    ["longer", 5, days(5)],
    ["shorter", 2, days(2)],
    ["over already", 0, now],
  ])(
    "a delay that is %s is counted again from where it began, with a timer and an event of its own",
    async (_, value, dueAt) => {
      const { sequence, executionId } = await waiting();
      await editSteps(db, sequence.id, now, (steps) => steps.with(0, changed(steps[0], { ...inDays(value) })));

      const { wakes } = await published(sequence.id, { actor: "key:1" });

      expect(await readExecution(db, executionId)).toMatchObject({
        status: "scheduled",
        countsFrom: enrolledAt,
        dueAt,
        scheduledFor: dueAt,
        generation: 1,
        timezone: "UTC",
        timezoneSource: "schedule",
      });
      expect(wakes).toEqual([{ executionId, generation: 1, at: dueAt }]);
      expect(await readEvents(db, executionId)).toMatchObject([
        { at: now, kind: "rescheduled", reason: "delay_changed", actor: "key:1" },
      ]);
    },
  );

  test("many who become due at once are spread over the schedule's minutes", async () => {
    const { sequence } = await waiting([inDays(3)], BUSINESS_HOURS);
    for (let count = 0; count < 20; count += 1) await enroll(sequence.id);
    await editSteps(db, sequence.id, now, ([first]) => [changed(first, { ...inDays(0) })]);

    const { wakes } = await published(sequence.id);

    const times = wakes.map(({ at }) => at.getTime() - now.getTime());
    expect(new Set(times).size).toBeGreaterThan(18);
    expect(Math.min(...times)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...times)).toBeLessThan(15 * 60_000);
  });

  test("a schedule that never opens leaves the step without a timer and says so", async () => {
    const { sequence, executionId } = await waiting();
    await db.query(
      "update schedule set windows = '[]' where id = (select schedule_id from email_sequence where id = $1)",
      [sequence.id],
    );
    await editSteps(db, sequence.id, now, ([first]) => [changed(first, { ...inDays(5) })]);

    expect((await published(sequence.id)).wakes).toEqual([]);

    expect(await readExecution(db, executionId)).toMatchObject({
      status: "pending",
      holdReason: "window_never_opens",
      heldAt: now,
    });
  });

  test("under a pause the plan changes and the clock stands still", async () => {
    const { sequence, executionId } = await waiting();
    await set(
      executionId,
      `status = 'pending', hold_reason = 'enrollment_paused', held_at = '${days(0.5).toISOString()}'`,
    );
    await editSteps(db, sequence.id, now, ([first]) => [changed(first, { ...inDays(5) })]);

    expect((await published(sequence.id)).wakes).toEqual([]);

    expect(await readExecution(db, executionId)).toMatchObject({
      status: "pending",
      holdReason: "enrollment_paused",
      heldAt: days(0.5),
      countsFrom: enrolledAt,
      dueAt: days(5),
      scheduledFor: days(5),
      generation: 0,
    });
  });

  test.each([
    ["failed", "status = 'failed', error_message = 'refused'"],
    ["held for another reason", "status = 'pending', hold_reason = 'missing_variable', held_at = now()"],
    ["between two attempts", "attempt_count = 1"],
    [
      "at the mail server",
      "status = 'sending', phase = 'data', lease_until = now() + interval '1 hour', attempt_count = 1",
    ],
  ])("a step that is %s takes number and content along, and stays as it is", async (_, values) => {
    const { sequence, executionId } = await waiting();
    await set(executionId, values);
    const before = await readExecution(db, executionId);
    const draft = await editSteps(db, sequence.id, now, ([first, ...rest]) => [
      newStep(first),
      changed(first, { ...inDays(9) }),
      ...rest,
    ]);

    await published(sequence.id);

    const after = await readExecution(db, executionId);
    expect(after).toEqual({ ...before, stepId: draft.stepIds[1], stepNumber: 2, updatedAt: after.updatedAt });
  });

  test("what an outcome that is being recorded opens at the same moment is waited for, and taken along", async () => {
    const { sequence, enrollmentId, executionId } = await waiting();
    const draft = await editSteps(db, sequence.id, now, ([first, ...rest]) => [newStep(first), kept(first), ...rest]);
    const client = await db.connect();
    await client.query("begin");
    await client.query("select from sequence_enrollment where id = $1 for update", [enrollmentId]);

    const publishing = published(sequence.id);
    await somebodyWaits();
    await client.query("update step_execution set status = 'sent', sent_at = now() where id = $1", [executionId]);
    await insertSecond(sequence, enrollmentId, "scheduled", client);
    await client.query("commit");
    client.release();
    await publishing;

    const open = (await readExecutions(db, enrollmentId)).filter(({ status }) => status === "scheduled");
    expect(open).toMatchObject([{ stepId: draft.stepIds[2], stepNumber: 3 }]);
    expect(await readEnrollment(db, enrollmentId)).toMatchObject({ currentStepNumber: 2 });
  });

  test.each(["keeps", "loses"])(
    "those whose enrollment has ended stay where they were, if the version %s their step",
    async (what) => {
      const { sequence, enrollmentId, executionId } = await waiting();
      await db.query("update sequence_enrollment set status = 'cancelled' where id = $1", [enrollmentId]);
      await set(executionId, "status = 'failed'");
      const before = [await readEnrollment(db, enrollmentId), await readExecutions(db, enrollmentId)];
      await editSteps(db, sequence.id, now, ([first, second]) => [kept(what === "keeps" ? first : second)]);

      await published(sequence.id);

      expect([await readEnrollment(db, enrollmentId), await readExecutions(db, enrollmentId)]).toEqual(before);
    },
  );
});

describe("somebody who waits at a step that was deleted", () => {
  test("goes on with the next one, counted from now; both are on record", async () => {
    const { sequence, enrollmentId, executionId } = await waiting();
    const draft = await editSteps(db, sequence.id, now, ([, second, third]) => [kept(second), kept(third)]);

    const { wakes } = await published(sequence.id, { actor: "key:1" });

    const [skipped, next, ...rest] = (await readExecutions(db, enrollmentId)).toSorted((a, b) =>
      a.id < b.id ? -1 : 1,
    );
    expect(rest).toEqual([]);
    expect(skipped).toMatchObject({ id: executionId, status: "skipped", holdReason: null });
    expect(await readEvents(db, executionId)).toEqual([
      {
        at: now,
        kind: "skipped",
        reason: "step_deleted",
        message: 'Step 1 "Step 1" is not in version 2: step 1 "Step 2" comes next.',
        actor: "key:1",
      },
    ]);
    expect(next).toMatchObject({
      stepId: draft.stepIds[0],
      stepKey: sequence.stepIds[1],
      stepNumber: 1,
      status: "scheduled",
      countsFrom: now,
      dueAt: days(4),
      scheduledFor: days(4),
    });
    expect(wakes).toEqual([{ executionId: next?.id, generation: 0, at: days(4) }]);
    expect(await readEnrollment(db, enrollmentId)).toMatchObject({ status: "active", currentStepNumber: 0 });
  });

  test("completes, if it was the last", async () => {
    const { sequence, enrollmentId, executionId } = await waiting([{}, inDays(3)]);
    await set(executionId, "status = 'sent', sent_at = now()");
    await insertSecond(sequence, enrollmentId, "scheduled");
    await editSteps(db, sequence.id, now, (steps) => [kept(steps[0])]);

    expect((await published(sequence.id)).groups).toMatchObject([{ outcomes: { completed: 1 } }]);

    expect(await readEnrollment(db, enrollmentId)).toMatchObject({
      status: "completed",
      endReason: "completed",
      completedAt: now,
      endedAt: now,
      currentStepNumber: 1,
    });
    expect(await readExecutions(db, enrollmentId)).toMatchObject([{ status: "sent" }, { status: "skipped" }]);
  });

  test.each(["enrollment_paused", "sequence_paused"])(
    "under a pause (%s) the next one waits for its end",
    async (reason) => {
      const { sequence, enrollmentId } = await waiting();
      if (reason === "sequence_paused") {
        await db.query("update email_sequence set status = 'paused' where id = $1", [sequence.id]);
      } else await db.query("update sequence_enrollment set status = 'paused' where id = $1", [enrollmentId]);
      await editSteps(db, sequence.id, now, ([, second]) => [kept(second)]);

      expect((await published(sequence.id)).wakes).toEqual([]);

      const next = (await readExecutions(db, enrollmentId)).find((row) => row.stepKey === sequence.stepIds[1]);
      expect(next).toMatchObject({
        status: "pending",
        holdReason: reason,
        heldAt: now,
        countsFrom: now,
        dueAt: days(4),
      });
      expect(await readEvents(db, next?.id ?? "")).toMatchObject([{ kind: "held", reason }]);
    },
  );

  test("passes over inactive steps, which are recorded", async () => {
    const { sequence, enrollmentId } = await waiting();
    await editSteps(db, sequence.id, now, ([, second, third]) => [changed(second, { isActive: false }), kept(third)]);

    await published(sequence.id);

    const rows = await readExecutions(db, enrollmentId);
    expect(rows.map((row) => `${row.stepNumber} ${row.status}`).sort()).toEqual([
      "1 skipped",
      "1 skipped",
      "2 scheduled",
    ]);
    const passed = rows.find((row) => row.stepKey === sequence.stepIds[1]);
    expect(await readEvents(db, passed?.id ?? "")).toMatchObject([{ kind: "skipped", reason: "step_inactive" }]);
  });
});

describe("an outcome in doubt, under a new order of the steps,", () => {
  test("still waits for an operator if the sequence says so, also when a pause ends", async () => {
    const { sequence, enrollmentId, executionId } = await waiting();
    await set(executionId, "status = 'sent', sent_at = now(), created_at = now() - interval '1 day'");
    await insertSecond(sequence, enrollmentId, "in_doubt");
    await editSteps(db, sequence.id, now, ([first, , third]) => [newStep(first), kept(first), kept(third)]);
    await published(sequence.id);

    await pauseAndResume(enrollmentId);

    expect((await readExecutions(db, enrollmentId)).map(({ status }) => status).sort()).toEqual(["in_doubt", "sent"]);
    expect(await readEnrollment(db, enrollmentId)).toMatchObject({ status: "active", currentStepNumber: 2 });
  });

  test("waits also behind two new steps in front of it", async () => {
    const { sequence, enrollmentId, executionId } = await waiting();
    await set(executionId, "status = 'sent', sent_at = now(), created_at = now() - interval '1 day'");
    await insertSecond(sequence, enrollmentId, "in_doubt");
    await editSteps(db, sequence.id, now, ([first, ...rest]) => [newStep(first), newStep(first), kept(first), ...rest]);
    await published(sequence.id);

    await pauseAndResume(enrollmentId);

    expect((await readExecutions(db, enrollmentId)).map(({ status }) => status).sort()).toEqual(["in_doubt", "sent"]);
    expect(await readEnrollment(db, enrollmentId)).toMatchObject({ status: "active", currentStepNumber: 3 });
  });

  test("that is behind somebody keeps nobody from going on, also after an unenrollment that only pauses", async () => {
    const { sequence, enrollmentId, executionId } = await waiting();
    await set(executionId, "status = 'in_doubt', created_at = now() - interval '1 day'");
    await insertSecond(sequence, enrollmentId, "scheduled");
    await editSteps(db, sequence.id, now, ([, second, third]) => [kept(second), kept(third)]);
    await published(sequence.id);

    await unenroll(db, { enrollmentId, to: "paused", note: "", actor: "test", now });
    await resume(enrollmentId);

    const rows = await readExecutions(db, enrollmentId);
    expect(rows.map(({ stepKey, status }) => [stepKey, status])).toEqual(
      expect.arrayContaining([
        [sequence.stepIds[0], "in_doubt"],
        [sequence.stepIds[1], "skipped"],
        [sequence.stepIds[2], "scheduled"],
      ]),
    );
  });

  test("that is behind somebody keeps nobody from going on", async () => {
    const { sequence, enrollmentId, executionId } = await waiting();
    await set(executionId, "status = 'in_doubt', created_at = now() - interval '1 day'");
    await insertSecond(sequence, enrollmentId, "skipped");
    await editSteps(db, sequence.id, now, ([, second, third]) => [kept(second), kept(third)]);
    await published(sequence.id);

    await pauseAndResume(enrollmentId);

    const open = (await readExecutions(db, enrollmentId)).filter(({ status }) => status === "scheduled");
    expect(open).toMatchObject([{ stepKey: sequence.stepIds[2], stepNumber: 2 }]);
  });
});

async function insertSecond(
  sequence: { readonly stepIds: readonly string[] },
  enrollmentId: string,
  status: "in_doubt" | "skipped" | "scheduled",
  queryable: Pick<Database, "query"> = db,
): Promise<void> {
  await queryable.query("update sequence_enrollment set current_step_number = 1 where id = $1", [enrollmentId]);
  await queryable.query(
    `insert into step_execution (id, enrollment_id, step_id, step_key, step_number, status, counts_from, due_at, scheduled_for)
     values ($1, $2, $3, $3, 2, $4, $5, $5, $5)`,
    [newId(), enrollmentId, sequence.stepIds[1], status, days(2)],
  );
}

async function pauseAndResume(enrollmentId: string): Promise<void> {
  await db.query("update sequence_enrollment set status = 'paused', paused_at = $2 where id = $1", [enrollmentId, now]);
  await resume(enrollmentId);
}

async function resume(enrollmentId: string): Promise<void> {
  const by = { now, actor: "test", note: "", pace: REAL_PACE };
  await inTransaction(db, (tx) => resumeEnrollments(tx, [enrollmentId], by));
}

test("people who are pinned finish their version, until a publish that takes everybody along", async () => {
  const { sequence, enrollmentId, executionId } = await waiting();
  const before = [await readExecution(db, executionId), await readEnrollment(db, enrollmentId)];
  await editSteps(db, sequence.id, now, ([, ...rest]) => rest);

  expect(await published(sequence.id, { inFlight: "pin" })).toMatchObject({
    versionNumber: 2,
    people: [{ versionNumber: 1, people: 1 }],
    groups: [],
    wakes: [],
  });
  expect([await readExecution(db, executionId), await readEnrollment(db, enrollmentId)]).toEqual(before);
  const other = await enroll(sequence.id);
  expect((await readEnrollment(db, other.enrollmentId)).versionId).toBe(await versionIdOf(sequence.id, 2));

  await editSteps(db, sequence.id, now, (steps) => steps.with(0, changed(steps[0], { ...inDays(8) })));
  const { people, groups } = await published(sequence.id);

  expect(people.map(({ versionNumber, people: count }) => [versionNumber, count])).toEqual([
    [1, 1],
    [2, 1],
  ]);
  expect(groups).toMatchObject([
    { fromVersionNumber: 1, from: { name: "Step 1" }, to: null, outcomes: { moved_on: 1 } },
    { fromVersionNumber: 2, from: { name: "Step 2" }, to: { stepNumber: 1 }, outcomes: { later: 1 } },
  ]);
  for (const id of [enrollmentId, other.enrollmentId]) {
    expect((await readEnrollment(db, id)).versionId).toBe(await versionIdOf(sequence.id, 3));
  }
});

describe("people who were pinned, with no draft to publish,", () => {
  async function pinned() {
    const made = await waiting();
    await editSteps(db, made.sequence.id, now, ([first, second, third]) => [
      kept(third),
      kept(first),
      kept(second),
      newStep(second),
    ]);
    await published(made.sequence.id, { inFlight: "pin" });
    return made;
  }

  test("are taken along to the current version, as its steps are by now", async () => {
    const { sequence, enrollmentId, executionId } = await pinned();
    const edited = await editSteps(db, sequence.id, now, (steps) => steps.with(1, changed(steps[1], { ...inDays(5) })));
    expect(edited).toMatchObject({ versionNumber: 2, isDraft: false });
    const before = await everything(sequence.id);

    const { wakes: none, ...told } = await published(sequence.id, { isDryRun: true });
    expect(none).toEqual([]);
    expect(await everything(sequence.id)).toEqual(before);
    const { wakes, ...done } = await published(sequence.id);

    expect(done).toEqual(told);
    expect(done).toMatchObject({
      versionNumber: 2,
      people: [
        { versionNumber: 1, people: 1 },
        { versionNumber: 2, people: 0 },
      ],
      groups: [{ fromVersionNumber: 1, from: { name: "Step 1" }, to: { stepNumber: 2 }, outcomes: { later: 1 } }],
      reaches: [
        { to: { name: "Step 3" }, kind: "moved", stillToGet: 1, passedBy: 0 },
        { to: { name: "New" }, kind: "added", stillToGet: 1, passedBy: 0 },
      ],
    });
    expect(wakes).toEqual([{ executionId, generation: 1, at: days(5) }]);
    expect(await readEnrollment(db, enrollmentId)).toMatchObject({
      versionId: await versionIdOf(sequence.id, 2),
      owedStepKeys: [sequence.stepIds[2]],
    });
    expect(await readExecution(db, executionId)).toMatchObject({ stepId: edited.stepIds[1], stepNumber: 2 });
    expect(await publish(db, sequence.id, now)).toEqual({ kind: "no_draft" });
  });

  test("stay, if they are to stay", async () => {
    const { sequence } = await pinned();
    expect(await publish(db, sequence.id, now, { inFlight: "pin" })).toEqual({ kind: "no_draft" });
  });

  test("and who have ended since, are nobody to take along", async () => {
    const { sequence, enrollmentId } = await pinned();
    await db.query("update sequence_enrollment set status = 'cancelled' where id = $1", [enrollmentId]);
    expect(await publish(db, sequence.id, now)).toEqual({ kind: "no_draft" });
  });
});

test("whoever is unenrolled for a while comes back to what is owed to them, and not to what is new before it", async () => {
  const { sequence, enrollmentId } = await waiting();
  const draft = await editSteps(db, sequence.id, now, ([first, second, third]) => [
    kept(third),
    newStep(first),
    kept(first),
    kept(second),
  ]);
  await published(sequence.id);

  await unenroll(db, { enrollmentId, to: "paused", note: "", actor: "test", now });
  await resume(enrollmentId);

  const [open] = (await readExecutions(db, enrollmentId)).filter(({ status }) => status === "scheduled");
  expect(open).toMatchObject({ stepId: draft.stepIds[0], stepNumber: 1 });
  expect(await readEnrollment(db, enrollmentId)).toMatchObject({ currentStepNumber: 3 });
  const [facts] = await loadFacts(db, [open?.id ?? ""]);
  expect(facts?.laterSteps.map(({ id }) => id)).toEqual([draft.stepIds[3]]);
});

test("an outcome in doubt of a step that was owed waits for an operator like any other", async () => {
  const { sequence, enrollmentId, executionId } = await waiting();
  await set(executionId, "status = 'sent', sent_at = now(), created_at = now() - interval '1 day'");
  await insertSecond(sequence, enrollmentId, "scheduled");
  await editSteps(db, sequence.id, now, ([first, second, third]) => [kept(third), kept(first), kept(second)]);
  await published(sequence.id);
  const owedId = newId();
  await db.query("update step_execution set status = 'sent', sent_at = now() where enrollment_id = $1", [enrollmentId]);
  await db.query("update sequence_enrollment set current_step_number = 3 where id = $1", [enrollmentId]);
  await db.query(
    `insert into step_execution (id, enrollment_id, step_id, step_key, step_number, status, counts_from, due_at, scheduled_for)
     select $1, $2, st.id, st.step_key, 1, 'in_doubt', now(), now(), now() from sequence_step st
     where st.version_id = $3 and st.step_key = $4`,
    [owedId, enrollmentId, await versionIdOf(sequence.id, 2), sequence.stepIds[2]],
  );

  await pauseAndResume(enrollmentId);

  expect(await readEnrollment(db, enrollmentId)).toMatchObject({ status: "active", currentStepNumber: 3 });
});

test("a dry run tells what the publish then does, and writes nothing", async () => {
  const { sequence } = await waiting();
  for (let count = 0; count < 3; count += 1) await enroll(sequence.id);
  const late = await enroll(sequence.id);
  await set(late.executionId, `counts_from = '${days(-9).toISOString()}'`);
  await editSteps(db, sequence.id, now, (steps) => steps.with(0, changed(steps[0], { ...inDays(2) })));
  const before = await everything(sequence.id);

  const { wakes: none, ...told } = await published(sequence.id, { isDryRun: true });

  expect(none).toEqual([]);
  expect(await everything(sequence.id)).toEqual(before);
  expect(told).toMatchObject({
    versionNumber: 2,
    people: [{ versionNumber: 1, people: 5 }],
    groups: [
      {
        people: 5,
        outcomes: { sooner: 4, due_now: 1 },
        message:
          '5 people wait at step 1 "Step 1", which is changed: 4 get it sooner, 1 is due now and goes out in the next open window.',
      },
    ],
  });
  const { wakes, ...done } = await published(sequence.id);
  expect(done).toEqual(told);
  expect(wakes).toHaveLength(5);
  expect(await everything(sequence.id)).not.toEqual(before);
});

/** Every row of a sequence that a publish could touch. */
async function everything(sequenceId: string) {
  const tables = {
    sequences: "select * from email_sequence where id = $1",
    versions: "select * from sequence_version where sequence_id = $1 order by id",
    enrollments: "select * from sequence_enrollment where sequence_id = $1 order by id",
    executions:
      "select e.* from step_execution e join sequence_enrollment n on n.id = e.enrollment_id where n.sequence_id = $1 order by e.id",
    events: `select v.* from execution_event v join step_execution e on e.id = v.execution_id
             join sequence_enrollment n on n.id = e.enrollment_id where n.sequence_id = $1 order by v.id`,
  };
  const entries = Object.entries(tables).map(async ([name, text]) => [name, (await db.query(text, [sequenceId])).rows]);
  return Object.fromEntries(await Promise.all(entries));
}

describe("a publish is refused, and writes nothing,", () => {
  test("without a draft", async () => {
    const { sequence } = await waiting();
    expect(await publish(db, sequence.id, now)).toEqual({ kind: "no_draft" });
  });

  test("of a draft without an active step", async () => {
    const { sequence } = await waiting();
    await editSteps(db, sequence.id, now, ([first]) => [changed(first, { isActive: false })]);
    expect(await publish(db, sequence.id, now)).toEqual({ kind: "no_active_step" });
  });

  test("of a draft with a template that has no content", async () => {
    const { sequence } = await waiting();
    const templateId = newId();
    await db.query("insert into email_template (id, name) values ($1, $2)", [templateId, templateId]);
    await editSteps(db, sequence.id, now, ([first, second]) => [kept(first), changed(second, { templateId })]);

    expect(await publish(db, sequence.id, now)).toEqual({
      kind: "templates_missing",
      places: [{ index: 1, templateId }],
    });
  });
});

test("of two publishes at once one publishes, and the other finds no draft", async () => {
  const { sequence } = await waiting();
  await editSteps(db, sequence.id, now, ([first]) => [kept(first)]);

  const results = await Promise.all([publish(db, sequence.id, now), publish(db, sequence.id, now)]);

  expect(results.map(({ kind }) => kind).sort()).toEqual(["no_draft", "published"]);
});

test("of two edits at once the second waits for the first, and then sees its revision", async () => {
  const { sequence } = await waiting();
  let second: Promise<Awaited<ReturnType<typeof lockSequence>>> | undefined;
  await inTransaction(db, async (tx) => {
    await lockSequence(tx, sequence.id);
    second = inTransaction(db, (other) => lockSequence(other, sequence.id));
    await somebodyWaits();
    await bumpRevision(tx, sequence.id, now);
  });
  expect(await second).toMatchObject({ revision: 2 });
});

describe("somebody who is being enrolled at the same moment", () => {
  test("is waited for, and taken along", async () => {
    const { sequence } = await waiting();
    await editSteps(db, sequence.id, now, ([first, ...rest]) => [newStep(first), kept(first), ...rest]);
    const client = await db.connect();
    await client.query("begin");
    const { enrollmentId, executionId } = await enroll(sequence.id, client);

    const publishing = published(sequence.id);
    await somebodyWaits();
    await client.query("commit");
    client.release();
    await publishing;

    expect((await readEnrollment(db, enrollmentId)).versionId).toBe(await versionIdOf(sequence.id, 2));
    expect(await readExecution(db, executionId)).toMatchObject({ stepNumber: 2 });
  });

  test("and has only looked at the version yet: neither stands in the other's way", async () => {
    const { sequence } = await waiting();
    await editSteps(db, sequence.id, now, ([first, ...rest]) => [newStep(first), kept(first), ...rest]);
    const client = await db.connect();
    await client.query("begin");
    await loadEnrollableSequence(client, sequence.id);

    const publishing = published(sequence.id);
    await somebodyWaits();
    const { enrollmentId } = await enroll(sequence.id, client);
    await client.query("commit");
    client.release();
    await publishing;

    expect((await readEnrollment(db, enrollmentId)).versionId).toBe(await versionIdOf(sequence.id, 2));
  });

  test("waits if the publish was first, and gets the new version", async () => {
    const { sequence } = await waiting();
    const draft = await editSteps(db, sequence.id, now, ([first, ...rest]) => [newStep(first), kept(first), ...rest]);
    let enrolling: ReturnType<typeof enroll> | undefined;
    await inTransaction(db, async (tx) => {
      const locked = await lockSequence(tx, sequence.id);
      if (locked === undefined) throw new Error("it is there");
      const request = { inFlight: "follow", isDryRun: false, now, pace: REAL_PACE, actor: "test" } as const;
      await publishDraft(tx, locked, request);
      enrolling = inTransaction(db, (other) => enroll(sequence.id, other));
      await somebodyWaits();
    });

    const { enrollmentId, executionId } = await (enrolling as ReturnType<typeof enroll>);
    expect((await readEnrollment(db, enrollmentId)).versionId).toBe(await versionIdOf(sequence.id, 2));
    expect(await readExecution(db, executionId)).toMatchObject({ stepId: draft.stepIds[0], stepNumber: 1 });
  });

  test("is waited for by an edit, which then goes to a draft instead of under their feet", async () => {
    const sequence = await makeSequence(db);
    const client = await db.connect();
    await client.query("begin");
    const { executionId } = await enroll(sequence.id, client);

    const editing = editSteps(db, sequence.id, now, ([, second]) => [kept(second)]);
    await somebodyWaits();
    await client.query("commit");
    client.release();

    expect(await editing).toMatchObject({ versionNumber: 2, isDraft: true });
    expect(await readExecution(db, executionId)).toMatchObject({ stepId: sequence.stepIds[0] });
  });
});

test("thousands are taken along in a few statements, each of them once", async () => {
  const { sequence } = await waiting([inDays(3), inDays(3)]);
  await enrollMany(sequence, 11_000);
  await editSteps(db, sequence.id, now, ([, second]) => [kept(second)]);

  const { people, groups, wakes } = await published(sequence.id);

  expect(people).toMatchObject([{ people: 11_001 }]);
  expect(groups).toMatchObject([{ outcomes: { moved_on: 11_001 } }]);
  expect(new Set(wakes.map(({ executionId }) => executionId)).size).toBe(11_001);
  const { rows } = await db.query(
    `select count(*)::int as enrollments, count(distinct n.version_id)::int as versions,
            sum((select count(*) from step_execution e where e.enrollment_id = n.id and e.status = 'scheduled'))::int as open
     from sequence_enrollment n where n.sequence_id = $1`,
    [sequence.id],
  );
  expect(rows).toEqual([{ enrollments: 11_001, versions: 1, open: 11_001 }]);
});

async function enrollMany(sequence: Awaited<ReturnType<typeof makeSequence>>, count: number): Promise<void> {
  await db.query(
    `with people as (
       insert into contact (id, email, first_name)
       select gen_random_uuid(), 'many' || i || '-' || $1 || '@example.com', 'Ann' from generate_series(1, $4) i returning id
     ),
     enrolled as (
       insert into sequence_enrollment (id, sequence_id, version_id, contact_id, status, enrolled_at)
       select gen_random_uuid(), $1::uuid, $2, id, 'active', $5 from people returning id
     )
     insert into step_execution (id, enrollment_id, step_id, step_key, step_number, status, counts_from, due_at, scheduled_for)
     select gen_random_uuid(), id, $3, $3, 1, 'scheduled', $5, $6, $6 from enrolled`,
    [sequence.id, sequence.versionId, sequence.stepIds[0], count, enrolledAt, days(3)],
  );
}
