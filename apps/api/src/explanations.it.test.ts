import type { Explanation } from "@dripline/contract/explanations";
import { findMeantExecutions } from "@dripline/db/queries/read-execution-records";
import type { stepExecution } from "@dripline/db/schema/journeys";
import { insertExecution } from "@dripline/db/testing/executions";
import { gateNames } from "@dripline/domain/gate";
import { ALWAYS_OPEN, BUSINESS_HOURS } from "@dripline/domain/schedule";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { describe, expect, test } from "vitest";
import { expectProblem, nobody } from "./testing/make.ts";
import { startApi } from "./testing/start-api.ts";

const { url } = await freshDatabase();
const limits = { perSecondMax: null, senderPerDayMax: 5, contactGapMinutes: 60, overdueGapMinutes: 0 };
const api = await startApi(url, { limits, sender: "Hello@example.com" });
const { database: db } = api;

type Values = Partial<typeof stepExecution.$inferInsert>;
type Made = Awaited<ReturnType<typeof insertExecution>> & { readonly email: string };

async function made(values: Values = {}, sequence: Parameters<typeof makeSequence>[1] = {}): Promise<Made> {
  const contact = await makeContact(db);
  return { ...(await insertExecution(db, await makeSequence(db, sequence), contact.id, values)), email: contact.email };
}

async function explain(executionId: string) {
  const { status, body } = await api.get(`/api/v1/sequence-executions/${executionId}/explain/`);
  expect(status).toBe(200);
  const gate = (name: string) => (body.gates as Explanation["gates"]).find((each) => each.name === name);
  return { body, gate, closed: body.gates.filter((each: { passed: boolean }) => !each.passed) };
}

const inDays = (days: number) => new Date(Date.now() + days * 86_400_000);
const statusOf = async (id: string) => (await api.get(`/api/v1/sequence-executions/${id}/`)).body.status;

describe("an execution is explained", () => {
  test("planned for later: when it goes out, with every gate in order", async () => {
    const at = inDays(2);
    const { executionId, enrollmentId, email, sequence } = await made({ scheduledFor: at, dueAt: at });

    const { body, gate, closed } = await explain(executionId);

    expect(body).toMatchObject({
      execution: executionId,
      enrollment: enrollmentId,
      sequence: sequence.id,
      contact_email: email,
      step_name: "Step 1",
      status: "scheduled",
      next_try: at.toISOString(),
      judged_at: at.toISOString(),
      decision: { kind: "deliver", reason: null, message: null },
      summary: expect.stringMatching(/^It goes out at \w+day \d{4}-\d\d-\d\d \d\d:\d\d in UTC, if nothing changes/),
    });
    expect(body.gates.map((each: { name: string }) => each.name)).toEqual(gateNames);
    expect(closed.map((each: { name: string }) => each.name)).toEqual(["delay"]);
    expect(gate("window")?.data).toMatchObject({ zone: "UTC", zone_source: "schedule", is_open: true });
    expect(gate("delay")?.data).toMatchObject({ due_at: at.toISOString(), counts_from: expect.any(String) });
  });

  test("planned for a moment at which its schedule is shut by now: what happens then", async () => {
    const at = inDays(2);
    const { executionId } = await made({ scheduledFor: at }, { schedule: { ...BUSINESS_HOURS, windows: [] } });

    const { body, gate } = await explain(executionId);

    expect(body).toMatchObject({ next_try: null, decision: { kind: "hold", reason: "window_never_opens" } });
    expect(gate("window")).toMatchObject({ passed: false, sentence: expect.stringMatching(/^At its planned moment:/) });
  });

  test("due: that a worker takes it", async () => {
    const { executionId } = await made();
    const { body, closed } = await explain(executionId);
    expect(closed).toEqual([]);
    expect(body.summary).toMatch(/goes out as soon as a worker takes it/);
  });

  test("held: why, and what releases it", async () => {
    const heldAt = inDays(-1);
    const { executionId, sequence } = await made(
      { status: "pending", holdReason: "sequence_paused", heldAt },
      { status: "paused" },
    );

    const { body, gate } = await explain(executionId);

    expect(body).toMatchObject({ status: "pending", next_try: null, decision: null });
    expect(body.summary).toMatch(/^It is held since .*: The sequence is paused\./);
    expect(body.summary).toContain(`POST /api/v1/email-sequences/${sequence.id}/resume/`);
    expect(gate("sequence")).toMatchObject({ passed: false, instead: "hold", data: { status: "paused" } });
  });

  test("sent: when, and under which Message-ID", async () => {
    const { executionId } = await made({ status: "sent", sentAt: inDays(-1), messageId: "<a@example.com>" });
    const { body } = await explain(executionId);
    expect(body.summary).toMatch(/^It was sent at .* in UTC, with the Message-ID <a@example\.com>\.$/);
    expect(body.next_try).toBeNull();
  });

  test("failed: why, what to do, and that its attempts are used up", async () => {
    const { executionId } = await made({ status: "failed", attemptCount: 3, errorMessage: "451 try later" });
    const { body, gate } = await explain(executionId);
    expect(body.summary).toBe(`It failed: 451 try later. Put that right, then: dripline retry ${executionId}`);
    expect(gate("attempts")).toMatchObject({ passed: false, data: { used: 3, max: 3 } });
  });

  test("skipped: when, by whom and why, from its last event", async () => {
    const { executionId } = await made({ status: "skipped" });
    await db.query(
      `insert into execution_event (id, execution_id, at, kind, reason, message, actor)
       values (gen_random_uuid(), $1, $2, 'deferred', 'outside_window', 'Sunday', 'worker'),
              (gen_random_uuid(), $1, $3, 'skipped', 'step_inactive', 'Step 1 is inactive.', 'worker')`,
      [executionId, inDays(-2), inDays(-1)],
    );
    const { body } = await explain(executionId);
    expect(body.summary).toMatch(/^It was skipped at .*, by worker, and will not be sent: Step 1 is inactive\.$/);
  });

  test("kept back by a limit: how full it is, and the moment to which that leads", async () => {
    const { executionId, sequence, contactId } = await made({}, { sendsPerDayMax: 10, schedule: ALWAYS_OPEN });
    // On the dates around today as well: the test may run at midnight.
    await db.query(
      `insert into send_quota (scope, day, used)
       select scope, (clock_timestamp() at time zone 'UTC')::date + days, used
       from (values ($1, 10), ('sender:hello@example.com', 4)) as q(scope, used), generate_series(-1, 1) as days`,
      [`sequence:${sequence.id}`],
    );

    const { body, gate } = await explain(executionId);

    expect(gate("throttle")).toMatchObject({
      passed: false,
      instead: "defer",
      sentence: expect.stringMatching(
        /^10 of 10 emails of this sequence went out today \(\d{4}-\d\d-\d\d in UTC\)\. 4 of 5 emails of this sender went out today/,
      ),
      data: { sequence_day: { used: 10, max: 10 }, sender_day: { used: 4, max: 5 }, rate: null },
    });
    expect(body.decision).toMatchObject({ kind: "defer", reason: "sequence_daily_limit" });
    expect(Date.parse(body.next_try)).toBeGreaterThan(Date.parse(body.explained_at));

    await db.query("update contact set email_gap_until = clock_timestamp() + interval '1 hour' where id = $1", [
      contactId,
    ]);
    const gap = await explain(executionId);
    expect(gap.body.decision).toMatchObject({ kind: "defer", reason: "contact_gap" });
  });

  test("without touching it", async () => {
    const { executionId } = await made({}, { status: "archived" });
    expect((await explain(executionId)).body.decision).toMatchObject({ kind: "stop", reason: "sequence_archived" });
    expect(await statusOf(executionId)).toBe("scheduled");
  });

  test("only if there is one", async () => {
    expectProblem(await api.get(`/api/v1/sequence-executions/${nobody}/explain/`), 404, "not_found");
  });
});

describe("the executions that somebody means", () => {
  test("by its own id: that one, also when it is over", async () => {
    const { executionId } = await made({ status: "sent" });
    expect(await findMeantExecutions(db, { id: executionId })).toEqual([executionId]);
  });

  test("by enrollment or address, in any letter case: those that are open, else the one that was over last", async () => {
    const first = await made({ status: "failed" });
    const second = await insertExecution(db, await makeSequence(db), first.contactId, { scheduledFor: inDays(1) });
    const over = await insertExecution(db, await makeSequence(db), first.contactId, { status: "skipped" });

    expect(await findMeantExecutions(db, { email: first.email.toUpperCase() })).toEqual([
      first.executionId,
      second.executionId,
    ]);
    expect(await findMeantExecutions(db, { id: first.enrollmentId.toUpperCase() })).toEqual([first.executionId]);
    expect(await findMeantExecutions(db, { id: over.enrollmentId })).toEqual([over.executionId]);
  });

  test("by what is unknown: none", async () => {
    expect(await findMeantExecutions(db, { id: nobody })).toEqual([]);
    expect(await findMeantExecutions(db, { email: "nobody@example.com" })).toEqual([]);
  });
});
