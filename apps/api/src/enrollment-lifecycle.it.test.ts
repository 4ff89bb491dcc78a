import { freshDatabase } from "@dripline/testkit/database";
import { describe, expect, test } from "vitest";
import { expectProblem, makers, nobody } from "./testing/make.ts";
import { startApi, testNow } from "./testing/start-api.ts";

const { url } = await freshDatabase();
const DAY = 86_400_000;
let now = testNow;
const api = await startApi(url, { now: () => now });
const make = makers(api);
const post = (id: string, what: string, body: object = {}) =>
  api.post(`/api/v1/sequence-enrollments/${id}/${what}/`, body);
const get = async (id: string) => (await api.get(`/api/v1/sequence-enrollments/${id}/`)).body;
const days = (count: number) => new Date(testNow.getTime() + count * DAY);

/** Waits three days for its first step, on a schedule that is always open. */
async function enrolled() {
  now = testNow;
  const windows = [1, 2, 3, 4, 5, 6, 7].map((weekday) => ({ weekday, start: "00:00", end: "24:00" }));
  const schedule = await make.schedule({ windows, spread_minutes: 0 });
  const [sequence, contact] = [await make.sequence([3, 1], { schedule: schedule.id }), await make.contact()];
  return make.enroll({ sequence_id: sequence.id, contact_id: contact.id, notes: "First line" });
}

describe("pausing an enrollment", () => {
  test("answers with what waits, held, and a line in its notes", async () => {
    const { id } = await enrolled();

    const answer = await post(id, "pause", { until: days(10).toISOString(), reason: "On holiday" });

    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      id,
      status: "paused",
      paused_at: testNow.toISOString(),
      resume_at: days(10).toISOString(),
      step_executions: [{ status: "pending", hold_reason: "enrollment_paused" }],
    });
    expect(answer.body.notes).toMatch(/^First line\n\[.*\] Paused until .* by api_key:.*: On holiday$/);
    expect(answer.body).toEqual(await get(id));
  });

  test("again changes the date, and the same again nothing", async () => {
    const { id } = await enrolled();
    await post(id, "pause", { until: days(10).toISOString() });

    const later = await post(id, "pause", { until: days(20).toISOString() });
    expect(later.body).toMatchObject({ status: "paused", resume_at: days(20).toISOString() });
    expect((await post(id, "pause", { until: days(20).toISOString() })).body).toEqual(later.body);
    expect((await post(id, "pause")).body).toMatchObject({ status: "paused", resume_at: null });
  });

  test.each([
    ["that is not in the future", testNow.toISOString()],
    ["more than ten years ahead", "9999-01-01T00:00:00Z"],
  ])("until a moment %s is refused", async (_, until) => {
    const { id } = await enrolled();

    const problem = expectProblem(await post(id, "pause", { until }), 422, "validation_failed");

    expect(problem.errors).toMatchObject([{ pointer: "/until" }]);
    expect((await get(id)).status).toBe("active");
  });
});

describe("resuming an enrollment", () => {
  test("moves what waits by the time of the pause, and sets its timer", async () => {
    const { id } = await enrolled();
    now = days(1);
    await post(id, "pause");
    now = days(8);
    const before = await api.queue.counts();

    const answer = await post(id, "resume", { reason: "Back" });

    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      status: "active",
      paused_at: null,
      resume_at: null,
      step_executions: [{ status: "scheduled", due_at: days(10).toISOString(), scheduled_for: days(10).toISOString() }],
    });
    expect(answer.body.notes).toMatch(/: Back$/);
    const after = await api.queue.counts();
    expect((after.delayed ?? 0) - (before.delayed ?? 0)).toBe(1);
  });

  test("of an active one changes nothing", async () => {
    const enrollment = await enrolled();

    const answer = await post(enrollment.id, "resume");

    expect(answer.status).toBe(200);
    expect(answer.body).toEqual(await get(enrollment.id));
    expect(answer.body.notes).toBe("First line");
  });

  test("after unenrolling to `paused` goes on with the next step", async () => {
    const { id } = await enrolled();
    await post(id, "unenroll", { status: "paused" });

    expect((await post(id, "resume")).body).toMatchObject({
      status: "active",
      step_executions: [
        { step_number: 1, status: "skipped" },
        { step_number: 2, status: "scheduled", due_at: days(1).toISOString() },
      ],
    });
  });
});

test("completing by hand skips what waits and says who did it and why", async () => {
  const { id } = await enrolled();

  const answer = await post(id, "complete", { reason: "Signed the contract" });

  expect(answer.status).toBe(200);
  expect(answer.body).toMatchObject({
    status: "completed",
    end_reason: "completed_by_operator",
    completed_at: testNow.toISOString(),
    ended_at: testNow.toISOString(),
    step_executions: [{ status: "skipped" }],
  });
  expect(answer.body.notes).toMatch(/^First line\n\[.*\] Completed by api_key:.*: Signed the contract$/);
  const execution = await api.get(`/api/v1/sequence-executions/${answer.body.step_executions[0].id}/`);
  expect(execution.body.events).toMatchObject([{ kind: "skipped", reason: "completed_by_operator" }]);
});

describe.each(["pause", "resume", "complete"])("to %s", (what) => {
  test.each(["cancelled", "unsubscribed"])(
    "an enrollment that is %s is refused, and nothing changes",
    async (status) => {
      const { id } = await enrolled();
      await post(id, "unenroll", { status });
      const before = await get(id);

      expect(expectProblem(await post(id, what), 409, "enrollment_not_live").enrollment_status).toBe(status);

      expect(await get(id)).toEqual(before);
    },
  );

  test("an unknown enrollment is a 404", async () => {
    expectProblem(await post(nobody, what), 404, "not_found");
  });

  test("leaves an entry in the audit log", async () => {
    const { id } = await enrolled();
    await post(id, what);
    const { rows } = await api.database.query("select action from audit_log where object_id = $1 order by at, id", [
      id,
    ]);
    expect(rows.map((row) => row.action)).toContain(`${what}Enrollment`);
  });
});
