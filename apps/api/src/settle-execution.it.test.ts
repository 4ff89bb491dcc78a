import { insertDoubt } from "@dripline/db/testing/doubts";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { describe, expect, test } from "vitest";
import { expectProblem, nobody } from "./testing/make.ts";
import { startApi, testNow } from "./testing/start-api.ts";

const { url } = await freshDatabase();
const api = await startApi(url);
const { database: db } = api;

const handedOverAt = new Date("2026-11-20T03:00:00.000Z");
const threeDays = { value: 3, unit: "days" } as const;

/** Step 1 of 2 is in doubt, and the enrollment waits for it. */
async function inDoubt(given: Parameters<typeof insertDoubt>[3] = {}) {
  const sequence = await makeSequence(db, { steps: [{}, { delay: threeDays }], inDoubtPolicy: "hold" });
  const contact = await makeContact(db);
  return { ...(await insertDoubt(db, sequence, contact.id, { handedOverAt, ...given })), email: contact.email };
}

const settle = (id: string, body: object, headers = {}) =>
  api.post(`/api/v1/sequence-executions/${id}/settle/`, body, headers);
const get = async (id: string) => (await api.get(`/api/v1/sequence-executions/${id}/`)).body;
const timers = async () => {
  const { delayed = 0, waiting = 0, prioritized = 0 } = await api.queue.counts();
  return delayed + waiting + prioritized;
};

describe("settling an email in doubt", () => {
  test("as sent closes it as of the moment it was handed over, and the next step gets its timer", async () => {
    const { executionId, enrollmentId } = await inDoubt();
    const before = await timers();

    const answer = await settle(executionId, { as: "sent", note: "They replied to it" });

    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      id: executionId,
      status: "sent",
      sent_at: handedOverAt.toISOString(),
      has_advanced: true,
      events: [{ kind: "sent", reason: "settled_sent", actor: expect.stringMatching(/^api_key:/) }],
    });
    expect(answer.body.events[0].message).toMatch(/They replied to it$/);
    expect(answer.body).toEqual(await get(executionId));
    const { body } = await api.get(`/api/v1/sequence-executions/?enrollment=${enrollmentId}&status=scheduled`);
    expect(body.results).toMatchObject([{ step_number: 2, due_at: testNow.toISOString() }]);
    expect(await timers()).toBe(before + 1);
  });

  test("by sending again makes the same message due now, with a timer", async () => {
    const { executionId } = await inDoubt();
    const { message_id } = await get(executionId);
    const before = await timers();

    const answer = await settle(executionId, { as: "resend" });

    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      status: "scheduled",
      scheduled_for: testNow.toISOString(),
      attempt_count: 0,
      message_id,
      events: [{ kind: "revived", reason: "settled_resend" }],
    });
    expect(await timers()).toBe(before + 1);
  });

  test("with an Idempotency-Key that was used before has no second effect and gets the first answer", async () => {
    const { executionId } = await inDoubt();
    const key = { "idempotency-key": "settle-once" };
    const first = await settle(executionId, { as: "resend" }, key);
    const again = await settle(executionId, { as: "resend" }, key);

    expect(again.status).toBe(200);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    expect((await get(executionId)).events).toHaveLength(1);
  });

  test("leaves an entry in the audit log", async () => {
    const { executionId } = await inDoubt();
    await settle(executionId, { as: "sent" });
    const { rows } = await db.query("select action from audit_log where object_id = $1", [executionId]);
    expect(rows).toEqual([{ action: "settleExecution" }]);
  });

  test("twice at once has one effect: the other is told what it is now", async () => {
    const { executionId } = await inDoubt();
    const answers = await Promise.all([
      settle(executionId, { as: "sent" }),
      settle(executionId, { as: "resend" }),
      settle(executionId, { as: "sent" }),
    ]);

    const [done] = answers.filter(({ status }) => status === 200);
    const refused = answers.filter(({ status }) => status !== 200);
    expect(refused).toHaveLength(2);
    for (const answer of refused) {
      const { execution_status } = expectProblem(answer, 409, "execution_not_in_doubt");
      expect(execution_status).toBe(done?.body.status);
    }
    expect((await get(executionId)).events).toHaveLength(1);
  });
});

describe("is refused, and nothing changes", () => {
  test("of an unknown execution", async () => {
    expectProblem(await settle(nobody, { as: "sent" }), 404, "not_found");
  });

  test.each(["scheduled", "sent", "failed", "skipped"] as const)("of one that is %s", async (status) => {
    const { executionId } = await inDoubt({ values: { status } });
    const before = await get(executionId);
    for (const as of ["sent", "resend"]) {
      const problem = expectProblem(await settle(executionId, { as }), 409, "execution_not_in_doubt");
      expect(problem).toMatchObject({ execution_status: status });
      expect(problem.detail).toContain(status);
    }
    expect(await get(executionId)).toEqual(before);
  });

  test.each(["cancelled", "unsubscribed", "completed"] as const)(
    "to send again to somebody whose enrollment is %s; as sent it can be closed",
    async (status) => {
      const { executionId } = await inDoubt({ enrollment: { status } });

      const answer = await settle(executionId, { as: "resend" });

      expect(expectProblem(answer, 409, "enrollment_not_live").enrollment_status).toBe(status);
      expect(await get(executionId)).toMatchObject({ status: "in_doubt", events: [] });
      expect((await settle(executionId, { as: "sent" })).body.status).toBe("sent");
    },
  );

  test.each([
    ["without saying how", {}],
    ["as something else", { as: "failed" }],
    ["with a note that is too long", { as: "sent", note: "x".repeat(2_001) }],
  ])("%s", async (_, body) => {
    const { executionId } = await inDoubt();
    expectProblem(await settle(executionId, body), 422, "validation_failed");
    expect((await get(executionId)).status).toBe("in_doubt");
  });
});

test("what is in doubt is listed and counted, by sequence, with what one needs to judge it", async () => {
  const { executionId, sequence, email } = await inDoubt();
  await insertDoubt(db, sequence, (await makeContact(db)).id, { values: { status: "sent" } });
  const list = async (query: string) => (await api.get(`/api/v1/sequence-executions/?${query}`)).body;

  const page = await list(`status=in_doubt&sequence=${sequence.id}&include_count=true`);

  expect(page.count).toBe(1);
  expect(page.results).toMatchObject([
    {
      id: executionId,
      sequence: sequence.id,
      sequence_name: `Sequence ${sequence.id}`,
      contact_email: email,
      in_doubt_policy: "hold",
      has_advanced: false,
      message_id: expect.stringMatching(/^<.+>$/),
      error_message: "The message was handed over, but no reply came.",
    },
  ]);
  const all = await list("status=in_doubt&include_count=true&page_size=1");
  const { rows } = await db.query("select count(*)::int as count from step_execution where status = 'in_doubt'");
  expect(all.count).toBe(rows[0]?.count);
});

test.each(["advance", "resend", "hold"])("a sequence takes the policy `%s`, when made and later", async (policy) => {
  const created = await api.post("/api/v1/email-sequences/", { name: `With ${policy}`, in_doubt_policy: policy });
  expect(created.body.in_doubt_policy).toBe(policy);

  const other = await api.post("/api/v1/email-sequences/", { name: `Changed to ${policy}` });
  const path = `/api/v1/email-sequences/${other.body.id}/`;
  await api.send("PATCH", path, { body: { in_doubt_policy: policy } });
  expect((await api.get(path)).body.in_doubt_policy).toBe(policy);
});

test("a policy that is changed moves nothing that is in doubt already", async () => {
  const { executionId, sequence } = await inDoubt();
  const before = await get(executionId);
  for (const policy of ["resend", "advance"]) {
    const path = `/api/v1/email-sequences/${sequence.id}/`;
    expect((await api.send("PATCH", path, { body: { in_doubt_policy: policy } })).status).toBe(200);
    expect(await get(executionId)).toEqual({ ...before, in_doubt_policy: policy });
  }
});
