import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { waitFor } from "@dripline/testkit/wait-for";
import { expect, test } from "vitest";
import { inTransaction } from "./database.ts";
import { holdOfEnrollments } from "./hold-under-pause.ts";
import { newId } from "./new-id.ts";
import { type PauseEnrollments, pauseEnrollments } from "./pause-enrollments.ts";
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
const until = new Date("2026-04-01T02:00:00Z");

async function makeLive(
  values: Parameters<typeof insertExecution>[3] = {},
  enrollment: Parameters<typeof insertExecution>[4] = {},
): Promise<MadeExecution> {
  const contact = await makeContact(db);
  return insertExecution(db, await makeSequence(db), contact.id, values, enrollment);
}

function pause(enrollments: readonly MadeExecution[], values: Partial<PauseEnrollments> = {}): Promise<string[]> {
  const enrollmentIds = enrollments.map((one) => one.enrollmentId);
  return inTransaction(db, (tx) =>
    pauseEnrollments(tx, { enrollmentIds, resumeAt: null, note: "Paused.", now, actor: "api_key:ann", ...values }),
  );
}

test("a pause stops the enrollment and the clock of what waits, and both say so", async () => {
  const live = await makeLive({ generation: 3 }, { notes: "First line" });
  const before = await readExecution(db, live.executionId);

  expect(await pause([live], { resumeAt: until })).toEqual([live.enrollmentId]);

  expect(await readEnrollment(db, live.enrollmentId)).toMatchObject({
    status: "paused",
    pausedAt: now,
    resumeAt: until,
    endedAt: null,
    notes: "First line\n[2026-03-02T20:00:00.000Z] Paused.",
  });
  expect(await readExecution(db, live.executionId)).toEqual({
    ...before,
    status: "pending",
    holdReason: "enrollment_paused",
    heldAt: now,
    errorMessage: "The enrollment is paused.",
    updatedAt: expect.any(Date),
  });
  expect(await readEvents(db, live.executionId)).toEqual([
    { at: now, kind: "held", reason: "enrollment_paused", message: "The enrollment is paused.", actor: "api_key:ann" },
  ]);
});

test.each(statusesOtherThan("scheduled"))("an execution that is %s stays as it is", async (status) => {
  const live = await makeLive({ status });
  const before = await readExecution(db, live.executionId);

  await pause([live]);

  expect(await readExecution(db, live.executionId)).toEqual(before);
  expect(await readEvents(db, live.executionId)).toEqual([]);
});

test.each(["completed", "unsubscribed", "cancelled"] as const)(
  "an enrollment that is %s is not paused",
  async (status) => {
    const [first, refused, last] = [await makeLive(), await makeLive({}, { status }), await makeLive()];
    const [enrollment, execution] = [
      await readEnrollment(db, refused.enrollmentId),
      await readExecution(db, refused.executionId),
    ];

    const paused = await pause([first, refused, last]);

    expect(paused.toSorted()).toEqual([first.enrollmentId, last.enrollmentId].toSorted());
    expect(await readEnrollment(db, refused.enrollmentId)).toEqual(enrollment);
    expect(await readExecution(db, refused.executionId)).toEqual(execution);
  },
);

test("an enrollment that was not named goes on", async () => {
  const [named, other] = [await makeLive(), await makeLive()];

  await pause([named]);

  expect(await readEnrollment(db, other.enrollmentId)).toMatchObject({ status: "active" });
  expect(await readExecution(db, other.executionId)).toMatchObject({ status: "scheduled" });
});

test("pausing again changes the date alone: the clock stays where it stopped first", async () => {
  const live = await makeLive();
  await pause([live]);

  const later = new Date(now.getTime() + 60_000);
  expect(await pause([live], { resumeAt: until, now: later })).toEqual([live.enrollmentId]);

  expect(await readEnrollment(db, live.enrollmentId)).toMatchObject({ pausedAt: now, resumeAt: until });
  expect(await readExecution(db, live.executionId)).toMatchObject({ heldAt: now });
  expect(await readEvents(db, live.executionId)).toHaveLength(1);
});

test("the same pause twice changes nothing", async () => {
  const live = await makeLive();
  await pause([live], { resumeAt: until });
  const before = await readEnrollment(db, live.enrollmentId);

  expect(await pause([live], { resumeAt: until })).toEqual([]);

  expect(await readEnrollment(db, live.enrollmentId)).toEqual(before);
});

test("a step that a worker is just opening is held as well", async () => {
  const live = await makeLive({ status: "sent" });
  const [, stepKey] = live.sequence.stepIds;
  const worker = await db.connect();
  try {
    await worker.query("begin");
    await worker.query("select from sequence_enrollment where id = $1 for update", [live.enrollmentId]);
    await worker.query(
      `insert into step_execution (id, enrollment_id, step_id, step_key, step_number, status, counts_from, due_at, scheduled_for)
       values ($1, $2, $3, $3, 2, 'scheduled', $4, $4, $4)`,
      [newId(), live.enrollmentId, stepKey, now],
    );
    const pausing = pause([live]);
    await waitFor(() => isSomebodyWaiting(db), {
      timeoutMilliseconds: 10_000,
      describe: "the pause to wait for the worker",
    });
    await worker.query("commit");
    await pausing;
  } finally {
    worker.release();
  }

  expect(await readExecutions(db, live.enrollmentId)).toMatchObject([{ status: "sent" }, { status: "pending" }]);
});

test("nothing is held in an enrollment that is not paused, whoever asks", async () => {
  const live = await makeLive();

  expect(await holdOfEnrollments(db, [live.enrollmentId], { now, actor: "sweep" })).toBe(0);

  expect(await readExecution(db, live.executionId)).toMatchObject({ status: "scheduled" });
});
