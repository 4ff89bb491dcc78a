import { freshDatabase } from "@dripline/testkit/database";
import { describe, expect, test } from "vitest";
import { expectProblem, makers, nobody } from "./testing/make.ts";
import { startApi, testNow } from "./testing/start-api.ts";

const { url } = await freshDatabase();
let now = testNow;
const api = await startApi(url, { now: () => now });
const make = makers(api);
const post = (id: string, what: string) => api.send("POST", `/api/v1/email-sequences/${id}/${what}/`);
const enrollment = async (id: string) => (await api.get(`/api/v1/sequence-enrollments/${id}/`)).body;
const days = (count: number) => new Date(testNow.getTime() + count * 86_400_000);

async function running() {
  now = testNow;
  const windows = [1, 2, 3, 4, 5, 6, 7].map((weekday) => ({ weekday, start: "00:00", end: "24:00" }));
  const schedule = await make.schedule({ windows, spread_minutes: 0 });
  const sequence = await make.sequence([3, 1], { schedule: schedule.id });
  const contact = await make.contact();
  const { id } = await make.enroll({ sequence_id: sequence.id, contact_id: contact.id });
  return { sequenceId: sequence.id as string, enrollmentId: id as string, revision: sequence.revision as number };
}

test("pausing and resuming a sequence moves what waits by the time of the pause", async () => {
  const { sequenceId, enrollmentId, revision } = await running();

  const paused = await post(sequenceId, "pause");
  expect(paused.status).toBe(200);
  expect(paused.body).toMatchObject({ id: sequenceId, status: "paused", revision: revision + 1 });
  expect(await enrollment(enrollmentId)).toMatchObject({
    status: "active",
    step_executions: [{ status: "pending", hold_reason: "sequence_paused" }],
  });

  now = days(7);
  const resumed = await post(sequenceId, "resume");
  expect(resumed.body).toMatchObject({ status: "active", revision: revision + 2 });
  expect(await enrollment(enrollmentId)).toMatchObject({
    step_executions: [{ status: "scheduled", due_at: days(10).toISOString(), hold_reason: null }],
  });
});

test("nobody can be enrolled in a paused or archived sequence; resuming opens entry again", async () => {
  const { sequenceId } = await running();
  const { id } = await make.contact();
  const enroll = () => api.post("/api/v1/sequence-enrollments/enroll/", { sequence_id: sequenceId, contact_id: id });

  await post(sequenceId, "pause");
  expectProblem(await enroll(), 422, "sequence_not_active");
  await post(sequenceId, "archive");
  expectProblem(await enroll(), 422, "sequence_not_active");
  expect((await post(sequenceId, "resume")).body).toMatchObject({ status: "active" });
  expect((await enroll()).status).toBe(201);
});

test("archiving cancels everybody, and those who were in it stay out when it is resumed", async () => {
  const { sequenceId, enrollmentId } = await running();

  expect((await post(sequenceId, "archive")).body).toMatchObject({ status: "archived", active_enrollments: 0 });

  const ended = await enrollment(enrollmentId);
  expect(ended).toMatchObject({
    status: "cancelled",
    end_reason: "sequence_archived",
    ended_at: testNow.toISOString(),
    step_executions: [{ status: "skipped" }],
  });
  expect(ended.notes).toMatch(/The sequence was archived by api_key:/);
  await post(sequenceId, "resume");
  expect(await enrollment(enrollmentId)).toEqual(ended);
});

test.each(["pause", "resume", "archive"])("to %s twice changes nothing the second time", async (what) => {
  const { sequenceId, enrollmentId } = await running();
  const first = await post(sequenceId, what);
  const before = await enrollment(enrollmentId);

  const second = await post(sequenceId, what);

  expect(second.status).toBe(200);
  expect(second.body).toEqual(first.body);
  expect(await enrollment(enrollmentId)).toEqual(before);
});

test("an archived sequence is not paused", async () => {
  const { sequenceId } = await running();
  await post(sequenceId, "archive");

  expect(expectProblem(await post(sequenceId, "pause"), 409, "sequence_archived").sequence_status).toBe("archived");
});

describe("an unknown sequence", () => {
  test.each(["pause", "resume", "archive"])("is a 404 to %s", async (what) => {
    expectProblem(await post(nobody, what), 404, "not_found");
  });
});
