import { insertExecution, readEnrollment, readEvents, readExecutions } from "@dripline/db/testing/executions";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { beforeEach, expect, test } from "vitest";
import { makeSweepDeps } from "../testing/sweep-deps.ts";
import { repairEnrollments } from "./repair-enrollments.ts";

const { pool: db } = await freshDatabase();
const { deps, woken, queue } = makeSweepDeps(db, { now: () => new Date() });
const longAgo = new Date(Date.now() - 120_000);

beforeEach(async () => {
  await db.query("truncate sweep_cursor, execution_event, step_execution, sequence_enrollment cascade");
  woken.length = 0;
  queue.isDown = false;
});

/** Step 1 was sent, and nothing follows: as a bug, a restored backup or a hand in the database leaves it. */
async function makeStranded(steps = 2) {
  const contact = await makeContact(db);
  const sequence = await makeSequence(db, { steps: Array(steps).fill({}) });
  const old = { updatedAt: longAgo };
  return insertExecution(db, sequence, contact.id, { status: "sent", ...old }, { currentStepNumber: 1, ...old });
}

test("an active enrollment in which nothing is open gets its next step, with a timer and a sentence", async () => {
  const { enrollmentId } = await makeStranded();

  expect(await repairEnrollments.runOnce(deps)).toBe(1);

  const [, next] = await readExecutions(db, enrollmentId);
  expect(next).toMatchObject({ stepNumber: 2, status: "scheduled" });
  expect(woken).toMatchObject([{ executionId: next?.id }]);
  expect(await readEvents(db, next?.id ?? "")).toMatchObject([{ kind: "repaired", actor: "sweep" }]);
  expect(await repairEnrollments.runOnce(deps)).toBe(0);
});

test("one that has no step left completes", async () => {
  const { enrollmentId } = await makeStranded(1);
  expect(await repairEnrollments.runOnce(deps)).toBe(1);
  expect(await readEnrollment(db, enrollmentId)).toMatchObject({ status: "completed", endReason: "completed" });
});

test("two workers at once open one step, not two", async () => {
  const { enrollmentId } = await makeStranded(3);
  await Promise.all([repairEnrollments.runOnce(deps), repairEnrollments.runOnce(deps)]);
  expect(await readExecutions(db, enrollmentId)).toHaveLength(2);
});

test("with the queue down the step opens all the same: it is found when it is due", async () => {
  const { enrollmentId } = await makeStranded();
  queue.isDown = true;
  expect(await repairEnrollments.runOnce(deps)).toBe(1);
  expect(await readExecutions(db, enrollmentId)).toHaveLength(2);
});

test("the walk goes on where the last run stopped, and begins again after the last enrollment", async () => {
  const { enrollmentId, sequence } = await makeStranded();
  const contact = await makeContact(db);
  // Ids of one millisecond each, all lower than the first one's: a chunk and a bit.
  await db.query(
    `insert into sequence_enrollment (id, sequence_id, version_id, contact_id, status, enrolled_at)
     select (lpad(to_hex(1000 + i), 8, '0') || '-0000-7000-8000-000000000000')::uuid, $1, $2, $3, 'cancelled', now()
     from generate_series(1, 10500) i`,
    [sequence.id, sequence.versionId, contact.id],
  );
  expect(await repairEnrollments.runOnce(deps)).toBe(0);
  expect(await readExecutions(db, enrollmentId)).toHaveLength(1);

  expect(await repairEnrollments.runOnce(deps)).toBe(1);

  const { rows } = await db.query("select at from sweep_cursor where sweep = 'repair-enrollments'");
  expect(rows).toEqual([{ at: new Date(0) }]);
}, 60_000);
