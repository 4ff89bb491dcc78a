import { createApiKey } from "@dripline/db/api-keys";
import { type ClaimRequest, claimExecutions } from "@dripline/db/claim-executions";
import { inTransaction } from "@dripline/db/database";
import {
  insertExecution,
  isSomebodyWaiting,
  type MadeExecution,
  readEnrollment,
  readExecution,
  sourceOf,
  statusesOtherThan,
} from "@dripline/db/testing/executions";
import { REAL_PACE } from "@dripline/domain/delay";
import { BUSINESS_HOURS, type Schedule } from "@dripline/domain/schedule";
import { rescheduleExecution, sendExecutionNow } from "@dripline/engine/reschedule-execution";
import { retryExecution } from "@dripline/engine/retry-execution";
import { skipExecution } from "@dripline/engine/skip-execution";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence, scheduleUpdatedAt } from "@dripline/testkit/factories";
import { waitFor } from "@dripline/testkit/wait-for";
import { describe, expect, test } from "vitest";
import { expectProblem, makers, nobody } from "./testing/make.ts";
import { startApi, testNow } from "./testing/start-api.ts";

const { url } = await freshDatabase();
const api = await startApi(url);
const { database: db } = api;

type Values = NonNullable<Parameters<typeof insertExecution>[3]>;
type Sequence = NonNullable<Parameters<typeof makeSequence>[1]>;

const DAY = 86_400_000;
const inDays = (days: number) => new Date(testNow.getTime() + days * DAY);
const twoDays = { value: 2, unit: "days" } as const;
const neverOpen: Schedule = { ...BUSINESS_HOURS, windows: [] };
const tomorrow = { status: "scheduled", scheduledFor: inDays(1), dueAt: inDays(1) } as const;

/** The first of two steps, the second two days after it. */
async function made(
  values: Values = {},
  enrollment: Parameters<typeof insertExecution>[4] = {},
  sequence: Sequence = {},
): Promise<MadeExecution> {
  const steps = [{}, { delay: twoDays }];
  const contact = await makeContact(db);
  return insertExecution(db, await makeSequence(db, { steps, ...sequence }), contact.id, values, enrollment);
}

type Action = "retry" | "skip" | "send-now" | "reschedule";
const bodies = {
  retry: {},
  skip: {},
  "send-now": {},
  reschedule: { scheduled_for: inDays(3).toISOString() },
} as const;

const act = (action: Action, id: string, body: object = {}, headers = {}) =>
  api.post(`/api/v1/sequence-executions/${id}/${action}/`, { ...bodies[action], ...body }, headers);
const get = async (id: string) => (await api.get(`/api/v1/sequence-executions/${id}/`)).body;
const timers = async () => {
  const { delayed = 0, waiting = 0, prioritized = 0 } = await api.queue.counts();
  return delayed + waiting + prioritized;
};
const executionsOf = async (enrollmentId: string) =>
  (await api.get(`/api/v1/sequence-executions/?enrollment=${enrollmentId}&ordering=created_at`)).body.results;

describe("retry/", () => {
  test.each([
    ["failed", { status: "failed", attemptCount: 3, errorMessage: "550 No such user." }],
    ["held for a missing variable", { status: "pending", holdReason: "missing_variable" }],
  ] as const)("lets one that is %s be tried at once, with a timer and a fresh count of attempts", async (_, values) => {
    const { executionId } = await made(values);
    const before = await timers();

    const answer = await act("retry", executionId, { note: "Their mailbox is back" });

    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      status: "scheduled",
      scheduled_for: testNow.toISOString(),
      attempt_count: 0,
      hold_reason: null,
      error_message: null,
      events: [{ kind: "revived", reason: "operator", actor: expect.stringMatching(/^api_key:/) }],
    });
    expect(answer.body.events[0].message).toMatch(/Their mailbox is back$/);
    expect(answer.body).toEqual(await get(executionId));
    expect(await timers()).toBe(before + 1);
  });

  test.each(statusesOtherThan("failed", "pending"))(
    "leaves one that is %s alone, and says what it is",
    async (status) => {
      const { executionId } = await made({ status });
      const before = await get(executionId);
      const problem = expectProblem(await act("retry", executionId), 409, "execution_status_conflict");
      expect(problem).toMatchObject({ execution_status: status });
      expect(await get(executionId)).toEqual(before);
    },
  );

  test.each([
    ["enrollment_paused", /Resuming the enrollment/],
    ["sequence_paused", /Resuming the sequence/],
  ])("leaves one that waits for a pause to end alone (%s), and says what releases it", async (holdReason, way) => {
    const { executionId } = await made({ status: "pending", holdReason });
    const problem = expectProblem(await act("retry", executionId), 409, "execution_status_conflict");
    expect(problem).toMatchObject({ execution_status: "pending", hold_reason: holdReason });
    expect(problem.detail).toMatch(way);
  });
});

describe("skip/", () => {
  test.each([
    ["scheduled", tomorrow],
    ["failed", { status: "failed" }],
    ["held", { status: "pending", holdReason: "missing_variable" }],
  ] as const)("passes over one that is %s; the next step counts from then and gets its timer", async (_, values) => {
    const { executionId, enrollmentId } = await made(values);
    const before = await timers();

    const answer = await act("skip", executionId, { note: "We met them" });

    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      status: "skipped",
      hold_reason: null,
      has_advanced: true,
      events: [{ kind: "skipped", reason: "operator", actor: expect.stringMatching(/^api_key:/) }],
    });
    expect(answer.body.events[0].message).toMatch(/We met them$/);
    const [, next] = await executionsOf(enrollmentId);
    expect(next).toMatchObject({ step_number: 2, status: "scheduled", due_at: inDays(2).toISOString() });
    expect(await timers()).toBe(before + 1);
  });

  test("of the last step completes the enrollment", async () => {
    const { executionId, enrollmentId } = await made(tomorrow, {}, { steps: [{}] });
    expect((await act("skip", executionId)).status).toBe(200);
    expect(await readEnrollment(db, enrollmentId)).toMatchObject({ status: "completed", completedAt: testNow });
  });

  test("under a pause opens the next step without a timer: the pause stays", async () => {
    const held = { status: "pending", holdReason: "enrollment_paused" } as const;
    const { executionId, enrollmentId } = await made(held, { status: "paused" });
    expect((await act("skip", executionId)).body.status).toBe("skipped");
    const [, next] = await executionsOf(enrollmentId);
    expect(next).toMatchObject({ status: "pending", hold_reason: "enrollment_paused" });
    const { events } = await get(next.id);
    expect(events).toMatchObject([{ kind: "held", actor: expect.stringMatching(/^api_key:/) }]);
  });

  test.each(["cancelled", "unsubscribed", "completed"] as const)(
    "of an enrollment that is %s closes the email and opens nothing",
    async (status) => {
      const { executionId, enrollmentId } = await made({ status: "failed" }, { status });
      expect((await act("skip", executionId)).body).toMatchObject({ status: "skipped", has_advanced: false });
      expect(await executionsOf(enrollmentId)).toHaveLength(1);
      expect(await readEnrollment(db, enrollmentId)).toMatchObject({ status, currentStepNumber: 0 });
    },
  );

  test("of one whose enrollment went on before opens the next step no second time", async () => {
    const { executionId, enrollmentId } = await made({ ...tomorrow, hasAdvanced: true });
    expect((await act("skip", executionId)).body.status).toBe("skipped");
    expect(await executionsOf(enrollmentId)).toHaveLength(1);
  });

  test.each(statusesOtherThan("pending", "scheduled", "failed"))("leaves one that is %s alone", async (status) => {
    const { executionId, enrollmentId } = await made({ status });
    const before = await get(executionId);
    const problem = expectProblem(await act("skip", executionId), 409, "execution_status_conflict");
    expect(problem).toMatchObject({ execution_status: status });
    expect(await get(executionId)).toEqual(before);
    expect(await executionsOf(enrollmentId)).toHaveLength(1);
  });
});

describe("send-now/", () => {
  test("makes a scheduled email due now, with a timer; the timer of before is over", async () => {
    const { executionId } = await made({ ...tomorrow, generation: 4, attemptCount: 1 });
    const before = await timers();

    const answer = await act("send-now", executionId);

    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      status: "scheduled",
      scheduled_for: testNow.toISOString(),
      due_at: testNow.toISOString(),
      attempt_count: 1,
      events: [{ kind: "rescheduled", reason: "sent_now", actor: expect.stringMatching(/^api_key:/) }],
    });
    expect((await readExecution(db, executionId)).generation).toBe(5);
    expect(await timers()).toBe(before + 1);
  });

  test("outside the window is refused with the next opening, and moves nothing", async () => {
    const nights: Schedule = { ...BUSINESS_HOURS, windows: [{ weekday: 1, start: "20:00", end: "22:00" }] };
    const { executionId } = await made(tomorrow, {}, { schedule: nights });
    const before = await get(executionId);

    const problem = expectProblem(await act("send-now", executionId), 409, "window_closed");

    expect(problem.opens_at).toBe("2026-11-23T13:00:00.000Z");
    expect(problem.detail).toMatch(/^Outside the sending window: Monday 10:00 in Asia\/Bangkok; next opening Monday/);
    expect(await get(executionId)).toEqual(before);
  });

  test("under a schedule that never opens is refused without an opening", async () => {
    const { executionId } = await made(tomorrow, {}, { schedule: neverOpen });
    expect(expectProblem(await act("send-now", executionId), 409, "window_closed").opens_at).toBeNull();
  });

  test("under a schedule whose zone nobody knows any more is refused with its name", async () => {
    const { executionId } = await made(tomorrow, {}, { schedule: { ...BUSINESS_HOURS, timezone: "Asia/Atlantis" } });
    const problem = expectProblem(await act("send-now", executionId), 409, "window_closed");
    expect(problem.detail).toContain("Asia/Atlantis");
  });

  test("there is no way to ask for the window to be ignored", async () => {
    const { executionId } = await made(tomorrow);
    const answer = await act("send-now", executionId, { ignore_window: true });
    expect(expectProblem(answer, 422, "validation_failed").errors).toMatchObject([{ pointer: "/ignore_window" }]);
  });
});

describe("reschedule/", () => {
  test("moves a scheduled email to the moment asked for if a window is open then, sooner or later", async () => {
    const { executionId } = await made({ ...tomorrow, generation: 1 }, {}, { schedule: BUSINESS_HOURS });
    const before = await timers();
    for (const [index, at] of [inDays(3), new Date(testNow.getTime() + 60_000)].entries()) {
      const answer = await act("reschedule", executionId, { scheduled_for: at.toISOString(), note: "As agreed" });

      expect(answer.status).toBe(200);
      expect(answer.body).toMatchObject({
        status: "scheduled",
        scheduled_for: at.toISOString(),
        due_at: at.toISOString(),
        timezone: "Asia/Bangkok",
        deferral: null,
      });
      expect(answer.body.events.at(-1)).toMatchObject({
        kind: "rescheduled",
        reason: "operator",
        message: expect.stringMatching(/As agreed$/),
        actor: expect.stringMatching(/^api_key:/),
      });
      expect((await readExecution(db, executionId)).generation).toBe(2 + index);
    }
    expect(await timers()).toBe(before + 2);
  });

  test("into a night or a weekend goes after the next opening; the answer and the record say to when and why", async () => {
    const { executionId } = await made(tomorrow, {}, { schedule: { ...BUSINESS_HOURS, spreadMinutes: 0 } });
    const answer = await act("reschedule", executionId, { scheduled_for: "2026-11-28T12:00:00+07:00" }); // a Saturday

    expect(answer.body).toMatchObject({
      due_at: "2026-11-28T05:00:00.000Z",
      scheduled_for: "2026-11-30T02:00:00.000Z",
      deferral: expect.stringMatching(
        /^Outside the sending window: Saturday 12:00 in Asia\/Bangkok; next opening Monday/,
      ),
    });
    expect(answer.body.events.at(-1).message).toContain(answer.body.deferral);
  });

  test("under a schedule that never opens again is refused", async () => {
    const { executionId } = await made(tomorrow, {}, { schedule: neverOpen });
    const before = await get(executionId);
    expect(expectProblem(await act("reschedule", executionId), 409, "window_closed").opens_at).toBeNull();
    expect(await get(executionId)).toEqual(before);
  });

  test.each([
    ["now", testNow.toISOString(), /not in the future/],
    ["the past", inDays(-1).toISOString(), /not in the future/],
    ["more than ten years ahead", "2036-11-23T03:00:00.001Z", /after 2036-11-23T03:00:00.000Z/],
    ["no moment", "tomorrow", /date-time/],
  ])("to %s is refused", async (_, at, reason) => {
    const { executionId } = await made(tomorrow);
    const problem = expectProblem(
      await act("reschedule", executionId, { scheduled_for: at }),
      422,
      "validation_failed",
    );
    expect(problem.errors).toMatchObject([{ pointer: "/scheduled_for", detail: expect.stringMatching(reason) }]);
    expect((await get(executionId)).scheduled_for).toBe(inDays(1).toISOString());
  });

  test("holds against a publish that gives the step another delay, and a pause shifts it", async () => {
    const make = makers(api);
    const [sequence, contact] = [await make.sequence([3]), await make.contact()];
    const enrollment = await make.enroll({ sequence_id: sequence.id, contact_id: contact.id });
    const [{ id }] = enrollment.step_executions;
    const { body: moved } = await act("reschedule", id, { scheduled_for: inDays(7).toISOString() });

    await api.send("PATCH", `/api/v1/sequence-steps/${sequence.steps[0].id}/`, { body: { delay_days: 1 } });
    const path = `/api/v1/email-sequences/${sequence.id}/publish/`;
    const published = await api.post(path, { in_flight: "follow", dry_run: false });

    expect(published.status).toBe(200);
    expect((await get(id)).scheduled_for).toBe(moved.scheduled_for);

    await api.post(`/api/v1/sequence-enrollments/${enrollment.id}/pause/`, {});
    await db.query("update step_execution set held_at = held_at - interval '7 days' where id = $1", [id]);
    await api.post(`/api/v1/sequence-enrollments/${enrollment.id}/resume/`, {});
    expect((await get(id)).due_at).toBe(new Date(Date.parse(moved.due_at) + 7 * DAY).toISOString());
  });
});

describe.each(["send-now", "reschedule"] as const)("%s/", (action) => {
  test.each(statusesOtherThan("scheduled"))("leaves one that is %s alone, and says what it is", async (status) => {
    const { executionId } = await made({ status });
    const before = await get(executionId);
    const problem = expectProblem(await act(action, executionId), 409, "execution_status_conflict");
    expect(problem).toMatchObject({ execution_status: status });
    expect(await get(executionId)).toEqual(before);
  });
});

test.each(["retry", "send-now", "reschedule"] as const)(
  "%s/ is refused to somebody who was taken out of the sequence",
  async (action) => {
    for (const enrollmentStatus of ["cancelled", "unsubscribed", "completed"] as const) {
      const status = action === "retry" ? "failed" : "scheduled";
      const { executionId } = await made({ status }, { status: enrollmentStatus });
      const before = await get(executionId);
      const problem = expectProblem(await act(action, executionId), 409, "enrollment_not_live");
      expect(problem).toMatchObject({ enrollment_status: enrollmentStatus });
      expect(await get(executionId)).toEqual(before);
    }
  },
);

const actions = ["retry", "skip", "send-now", "reschedule"] as const;
const movable = (action: Action): Values => (action === "retry" ? { status: "failed" } : tomorrow);

describe.each(actions)("%s/", (action) => {
  test("of an unknown execution is a 404", async () => {
    expectProblem(await act(action, nobody), 404, "not_found");
  });

  test("with a note that is too long is refused", async () => {
    const { executionId } = await made(movable(action));
    const answer = await act(action, executionId, { note: "x".repeat(2_001) });
    expect(expectProblem(answer, 422, "validation_failed").errors).toMatchObject([{ pointer: "/note" }]);
  });

  test("leaves an entry in the audit log with the same actor as the event", async () => {
    const { executionId } = await made(movable(action));
    const { events } = (await act(action, executionId)).body;
    const { rows } = await db.query("select action, principal from audit_log where object_id = $1", [executionId]);
    expect(rows).toEqual([{ action: expect.stringMatching(/Execution/), principal: events.at(-1).actor }]);
  });

  test("with an Idempotency-Key that was used before has no second effect and gets the first answer", async () => {
    const { executionId } = await made(movable(action));
    const key = { "idempotency-key": `${action} once` };
    const first = await act(action, executionId, {}, key);
    const again = await act(action, executionId, {}, key);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    expect((await get(executionId)).events).toHaveLength(1);
  });

  test("is not for a key that only reads, whatever the path names", async () => {
    const { key } = await createApiKey(db, { name: "reader", now: testNow, scopes: ["read"] });
    const { executionId } = await made(movable(action));
    for (const id of [executionId, nobody]) {
      const path = `/api/v1/sequence-executions/${id}/${action}/`;
      const answer = await api.send("POST", path, { key, body: bodies[action] });
      expect(expectProblem(answer, 403, "insufficient_scope").required_scope).toBe("write");
    }
    expect((await get(executionId)).events).toEqual([]);
  });
});

describe("two operators at once", () => {
  test.each(["retry", "skip"] as const)("%s/ has one effect: the other is told what it is now", async (action) => {
    const { executionId, enrollmentId } = await made(movable(action));
    const answers = await Promise.all([1, 2, 3].map(() => act(action, executionId)));

    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const answer of answers.filter(({ status }) => status !== 200)) {
      const { execution_status } = expectProblem(answer, 409, "execution_status_conflict");
      expect(execution_status).toBe(action === "retry" ? "scheduled" : "skipped");
    }
    expect((await get(executionId)).events).toHaveLength(1);
    expect(await executionsOf(enrollmentId)).toHaveLength(action === "retry" ? 1 : 2);
  });

  test.each(["skip", "send-now", "reschedule"] as const)(
    "%s/ that comes while another reschedules waits for it, and goes on from what it left",
    async (action) => {
      const { executionId } = await made(tomorrow);
      const { asked } = await inTransaction(db, async (tx) => {
        const by = { now: testNow, actor: "ann", note: "" };
        expect((await rescheduleExecution(tx, executionId, inDays(5), by)).kind).toBe("moved");
        const asked = act(action, executionId);
        await waitFor(() => isSomebodyWaiting(db), { timeoutMilliseconds: 10_000, describe: "the other to wait" });
        return { asked };
      });
      expect((await asked).status).toBe(200);
      const { events } = await get(executionId);
      expect(events).toHaveLength(2);
      if (action !== "skip") expect(events.at(-1).message).toContain(inDays(5).toISOString());
    },
  );

  test("all four ways at once: what was skipped stays so, and every move is on record in its order", async () => {
    const { executionId, enrollmentId } = await made(tomorrow);
    const answers = await Promise.all(actions.map((action) => act(action, executionId)));

    const moved = answers.filter(({ status }) => status === 200);
    for (const answer of answers.filter(({ status }) => status !== 200)) {
      expectProblem(answer, 409, "execution_status_conflict");
    }
    const { status, events } = await get(executionId);
    expect(status).toBe("skipped");
    expect(events).toHaveLength(moved.length);
    expect(await executionsOf(enrollmentId)).toHaveLength(2);
  });
});

describe("an operator and a worker at once", () => {
  const wake = ({ executionId, sequence }: MadeExecution, generation = 0): ClaimRequest => ({
    executionId,
    generation,
    stepId: sequence.stepIds[0] ?? "",
    messageId: `<${executionId}@example.com>`,
    source: sourceOf(sequence.stepIds[0] ?? ""),
    openUntil: new Date(Date.now() + 60_000),
    scheduleUpdatedAt,
    zone: { zone: "UTC", source: "schedule" },
  });

  test.each(["skip", "send-now", "reschedule"] as const)(
    "%s/ that comes while a worker claims the email waits for it, and is told that it is being sent",
    async (action) => {
      const due = await made();
      const answer = await inTransaction(db, async (tx) => {
        expect(await claimExecutions(tx, [wake(due)], 60)).toHaveLength(1);
        const asked = act(action, due.executionId);
        await waitFor(() => isSomebodyWaiting(db), { timeoutMilliseconds: 10_000, describe: "the operator to wait" });
        return { asked };
      });
      const problem = expectProblem(await answer.asked, 409, "execution_status_conflict");
      expect(problem.execution_status).toBe("sending");
      expect(await get(due.executionId)).toMatchObject({ status: "sending", events: [] });
    },
  );

  test.each(["skip", "send-now", "reschedule", "retry"] as const)(
    "a worker that comes while an operator's %s/ is written does not wait for it, and its wake-up is over after it",
    async (action) => {
      const due = await made(action === "retry" ? { status: "failed" } : {});
      const by = { now: new Date(), actor: "ann", note: "" };
      await inTransaction(db, async (tx) => {
        const result = await {
          skip: () => skipExecution(tx, due.executionId, { ...by, pace: REAL_PACE }),
          "send-now": () => sendExecutionNow(tx, due.executionId, by),
          reschedule: () => rescheduleExecution(tx, due.executionId, new Date(Date.now() + DAY), by),
          retry: () => retryExecution(tx, due.executionId, by),
        }[action]();
        expect(result.kind).toBe("moved");
        expect(await claimExecutions(db, [wake(due)], 60)).toEqual([]);
      });
      expect(await claimExecutions(db, [wake(due)], 60)).toEqual([]);
      const isDueNow = action === "send-now" || action === "retry";
      expect(await claimExecutions(db, [wake(due, 1)], 60)).toHaveLength(isDueNow ? 1 : 0);
    },
  );
});
