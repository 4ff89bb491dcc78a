import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { expect, test } from "vitest";
import { findDueResumes, resumeEnrollments } from "./resume-enrollments.ts";
import { insertExecution, type MadeExecution, readEnrollment, readExecution } from "./testing/executions.ts";

const { pool: db } = await freshDatabase();
const now = new Date("2026-03-02T20:00:00Z");
const before = new Date("2026-03-01T20:00:00Z");

async function makePaused(enrollment: Parameters<typeof insertExecution>[4] = {}): Promise<MadeExecution> {
  const contact = await makeContact(db);
  const paused = { status: "paused", pausedAt: before, resumeAt: before } as const;
  return insertExecution(db, await makeSequence(db), contact.id, { status: "pending" }, { ...paused, ...enrollment });
}

function resume(...enrollments: readonly MadeExecution[]): Promise<string[]> {
  return resumeEnrollments(db, { enrollmentIds: enrollments.map((one) => one.enrollmentId), note: "Resumed.", now });
}

test("a paused enrollment is active again, with a line in its notes; none of its rows moves", async () => {
  const [paused, other] = [await makePaused({ notes: "First line" }), await makePaused()];
  const execution = await readExecution(db, paused.executionId);

  expect(await resume(paused)).toEqual([paused.enrollmentId]);

  expect(await readEnrollment(db, paused.enrollmentId)).toMatchObject({
    status: "active",
    pausedAt: null,
    resumeAt: null,
    notes: "First line\n[2026-03-02T20:00:00.000Z] Resumed.",
  });
  expect(await readExecution(db, paused.executionId)).toEqual(execution);
  expect(await readEnrollment(db, other.enrollmentId)).toMatchObject({ status: "paused" });
});

test.each(["active", "completed", "unsubscribed", "cancelled"] as const)(
  "an enrollment that is %s is not resumed",
  async (status) => {
    const [first, refused, last] = [await makePaused(), await makePaused({ status }), await makePaused()];
    const untouched = await readEnrollment(db, refused.enrollmentId);

    const resumed = await resume(first, refused, last);

    expect(resumed.toSorted()).toEqual([first.enrollmentId, last.enrollmentId].toSorted());
    expect(await readEnrollment(db, refused.enrollmentId)).toEqual(untouched);
  },
);

test("of two resumes at once one moves it", async () => {
  const paused = await makePaused();

  const both = await Promise.all([resume(paused), resume(paused)]);

  expect(both.flat()).toEqual([paused.enrollmentId]);
});

test("a pause whose time is over is found, oldest first; one without a date, to come, or over is not", async () => {
  await db.query("update sequence_enrollment set resume_at = null");
  const hourAgo = new Date(Date.now() - 3_600_000);
  const due = await makePaused({ resumeAt: new Date(Date.now() - 60_000) });
  const dueLonger = await makePaused({ resumeAt: hourAgo });
  await makePaused({ resumeAt: null });
  await makePaused({ resumeAt: new Date(Date.now() + 60_000) });
  await makePaused({ resumeAt: hourAgo, status: "active" });
  await makePaused({ resumeAt: hourAgo, status: "cancelled" });

  expect(await findDueResumes(db, 10)).toEqual([dueLonger.enrollmentId, due.enrollmentId]);
  expect(await findDueResumes(db, 1)).toEqual([dueLonger.enrollmentId]);
});
