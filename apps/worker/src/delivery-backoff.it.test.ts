import { findSequenceExecution } from "@dripline/db/queries/read-sequence-executions";
import { BUSINESS_HOURS } from "@dripline/domain/schedule";
import { NO_LIMITS } from "@dripline/domain/throttle";
import { type DueReport, dueReport } from "@dripline/engine/due-report";
import { explainExecutions } from "@dripline/engine/explain-executions";
import { resumeDeliveryByOperator } from "@dripline/engine/resume-delivery-by-operator";
import { createSmtpTransport } from "@dripline/mail/smtp-transport";
import type { Wake } from "@dripline/queue/wake";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { startScriptedSmtp } from "@dripline/testkit/scripted-smtp";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import type { SendDeps } from "./send-deps.ts";
import { sendStep } from "./send-step.ts";
import { enrollNow, openExecution, startWorkerAt } from "./testing/worker-at.ts";

const monday = new Date("2026-03-02T09:00:00Z");
const worker = await startWorkerAt(monday);
const { db, clock, smtp, woken } = worker;
const errors: string[] = [];
const deps: SendDeps = {
  ...worker.deps,
  log: { ...worker.deps.log, error: (_fields, message) => void errors.push(message) },
};

const guarded = await startScriptedSmtp({ asksForLogin: true });
afterAll(() => guarded.close());
/** With a login, on a new connection in each test: one that is logged in already is not asked again. */
let withLogin: SendDeps;
afterEach(() => withLogin.transport.close());

const { id: sequenceId } = await makeSequence(db, { steps: [{}] });

beforeEach(async () => {
  await clock.jumpTo(monday);
  await db.query("truncate delivery_backoff, suppression, step_execution cascade");
  for (const server of [smtp, guarded]) {
    server.play("accept");
    server.bodies.length = 0;
  }
  await db.query("delete from send_quota");
  withLogin = { ...deps, transport: createSmtpTransport({ url: guarded.url, poolSize: 1 }) };
  woken.length = 0;
  errors.length = 0;
});

let contacts = 0;

async function due(domain = "example.com", sequence = sequenceId): Promise<Wake> {
  contacts += 1;
  const contact = await makeContact(db, { email: `p${contacts}@${domain}` });
  const execution = await openExecution(
    worker,
    await enrollNow(worker, { sequenceId: sequence, contactId: contact.id }),
  );
  if (execution === undefined) throw new Error("enrolled, so there is one");
  return { executionId: execution.executionId, generation: execution.generation };
}

async function several(count: number, domain?: string): Promise<Wake[]> {
  const wakes: Wake[] = [];
  for (let each = 0; each < count; each += 1) wakes.push(await due(domain));
  return wakes;
}

async function row({ executionId }: Wake) {
  const { rows } = await db.query("select * from step_execution where id = $1", [executionId]);
  return rows[0];
}

async function events({ executionId }: Wake) {
  const { rows } = await db.query(
    "select kind, reason, message from execution_event where execution_id = $1 order by at, id",
    [executionId],
  );
  return rows;
}

async function backoff(scope: string) {
  const { rows } = await db.query("select * from delivery_backoff where scope = $1", [scope]);
  return rows[0];
}

/** As the queue does: wakes it again with the generation that it has by now. */
async function wakeAgain(wake: Wake, with_ = deps): Promise<void> {
  const { generation } = await row(wake);
  await sendStep(with_, { ...wake, generation });
}

async function jumpToNextTry(scope: string): Promise<void> {
  const { next_at } = await backoff(scope);
  await clock.jumpTo(next_at);
}

function seconds(from: Date, to: Date): number {
  return (to.getTime() - from.getTime()) / 1_000;
}

const badLogin = { refuseLogin: { code: 535, text: "5.7.8 wrong password" } } as const;

describe("a login that is refused", () => {
  test("stops sending: it is reported, no attempt is used, and what the server said is kept", async () => {
    guarded.play(badLogin);
    const wake = await due();
    await sendStep(withLogin, wake);
    expect(await row(wake)).toMatchObject({
      status: "scheduled",
      attempt_count: 0,
      smtp_code: 535,
      enhanced_code: "5.7.8",
    });
    expect((await events(wake))[0]).toMatchObject({ kind: "released", reason: "transport_unusable" });
    const transport = await backoff("transport");
    expect(transport).toMatchObject({ reason: "transport_unusable", interval_seconds: 60, since: monday });
    expect(transport.message).toContain("535 5.7.8 wrong password");
    expect(errors).toEqual([expect.stringContaining("sending stands still")]);
  });

  test("of ten emails under way at once counts as one", async () => {
    guarded.play(badLogin);
    const wakes = await several(10);
    const many = createSmtpTransport({ url: guarded.url, poolSize: 10 });
    await Promise.all(wakes.map((wake) => sendStep({ ...withLogin, transport: many }, wake)));
    await many.close();
    expect((await backoff("transport")).interval_seconds).toBe(60);
  });

  test("keeps the others back with a sentence that names it and the next try, and tries one email an interval", async () => {
    guarded.play(badLogin);
    const [first, ...others] = await several(5);
    if (first === undefined) throw new Error("five are due");
    await sendStep(withLogin, first);
    const { next_at: nextAt } = await backoff("transport");
    for (const wake of others) {
      expect(await sendStep(withLogin, wake)).toMatchObject({ kind: "again" });
      expect(await row(wake)).toMatchObject({ status: "scheduled", attempt_count: 0, generation: 0 });
    }
    const moments = await Promise.all(others.map(async (wake) => (await row(wake)).scheduled_for.getTime()));
    expect(moments).toEqual(others.map((_, index) => nextAt.getTime() + index * 50));
    const [event] = others[0] === undefined ? [] : await events(others[0]);
    expect(event).toMatchObject({ kind: "deferred", reason: "transport_backoff" });
    expect(event.message).toMatch(
      /since Monday 2026-03-02 09:00 in UTC\. .*535 5\.7\.8 .*Planned for Monday 2026-03-02 09:0\d:\d\d in UTC\.$/,
    );

    // The try of the next interval fails: twice as long, and still one event for each of those who wait.
    await jumpToNextTry("transport");
    await clock.jumpTo(new Date(clock.now().getTime() + 1_000));
    for (const wake of others) await wakeAgain(wake, withLogin);
    expect((await backoff("transport")).interval_seconds).toBe(120);
    expect((await events(others[3] ?? first)).map((each) => each.kind)).toEqual(["deferred"]);
    expect(errors).toHaveLength(2);
  });

  test("is over when one email is accepted: everybody goes on at once, each sent once", async () => {
    guarded.play(badLogin);
    const wakes = await several(5);
    for (const wake of wakes) await sendStep(withLogin, wake);
    guarded.play("accept");
    await jumpToNextTry("transport");
    const [probe, ...others] = wakes.slice(1);
    if (probe === undefined) throw new Error("others wait");
    woken.length = 0;
    await wakeAgain(probe, withLogin);
    expect(await row(probe)).toMatchObject({ status: "sent", smtp_code: null });
    expect(await backoff("transport")).toBeUndefined();
    expect(woken.map((wake) => wake.executionId).toSorted()).toEqual(others.map((wake) => wake.executionId).toSorted());
    for (const wake of woken) await sendStep(withLogin, wake);
    for (const wake of others) expect(await row(wake)).toMatchObject({ status: "sent", attempt_count: 1 });
    // The timers of before find that they are over.
    for (const wake of others) await sendStep(withLogin, wake);
    expect(guarded.bodies).toHaveLength(4);
  });

  test("is over when an operator says so, and whoever waited goes on at once", async () => {
    guarded.play(badLogin);
    const [first, second] = await several(2);
    if (first === undefined || second === undefined) throw new Error("two are due");
    await sendStep(withLogin, first);
    await sendStep(withLogin, second);
    guarded.play("accept");
    const done = await resumeDeliveryByOperator({ ...withLogin, now: clock.now(), actor: "ann" }, ["transport"]);
    expect(done).toEqual({ scopes: ["transport"], executions: 1 });
    await wakeAgain(second, withLogin);
    expect(await row(second)).toMatchObject({ status: "sent" });
  });
});

test("a greeting that refuses us stops sending, and uses up no attempt", async () => {
  const server = await startScriptedSmtp();
  server.play({ refuseConnection: { code: 554, text: "5.7.1 client host blocked" } });
  const transport = createSmtpTransport({ url: server.url, poolSize: 1 });
  const wake = await due();
  await sendStep({ ...deps, transport }, wake);
  await transport.close();
  await server.close();
  expect(await row(wake)).toMatchObject({ status: "scheduled", attempt_count: 0, smtp_code: 554 });
  expect(await backoff("transport")).toMatchObject({ reason: "transport_unusable" });
});

test("an email that waits does not use up a place under a limit", async () => {
  guarded.play(badLogin);
  const [first, second] = await several(2);
  if (first === undefined || second === undefined) throw new Error("two are due");
  const limited = { ...withLogin, limits: { ...NO_LIMITS, senderPerDayMax: 1 } };
  await sendStep(limited, first);
  await sendStep(limited, second);
  const { rows } = await db.query("select used from send_quota");
  expect(rows).toEqual([{ used: 0 }]);
});

test("an email that takes its turn and then finds a limit reached gives the turn back", async () => {
  guarded.play(badLogin);
  const limited = { ...withLogin, limits: { ...NO_LIMITS, senderPerDayMax: 1 } };
  await sendStep(limited, await due());
  await db.query("update send_quota set used = 1");
  await jumpToNextTry("transport");
  const [over, next] = [await due(), await due()];
  await sendStep(limited, over);
  expect((await events(over))[0]).toMatchObject({ reason: "sender_daily_limit" });
  guarded.play("accept");
  await sendStep(withLogin, next);
  expect(await row(next)).toMatchObject({ status: "sent" });
});

test("the server's codes are in the record, and gone once the email is accepted", async () => {
  smtp.play({ refuseRecipient: { code: 451, text: "4.3.0 try later" } });
  const wake = await due();
  await sendStep(deps, wake);
  expect(await findSequenceExecution(db, wake.executionId)).toMatchObject({ smtp_code: 451, enhanced_code: "4.3.0" });
  await clock.jumpTo((await row(wake)).scheduled_for);
  smtp.play("accept");
  await wakeAgain(wake);
  expect(await findSequenceExecution(db, wake.executionId)).toMatchObject({
    status: "sent",
    smtp_code: null,
    enhanced_code: null,
  });
});

test("the moment to come back at stays inside the sending window", async () => {
  // Monday 16:59:30 in Bangkok: the next try is after five o'clock.
  const { id } = await makeSequence(db, { steps: [{}], schedule: BUSINESS_HOURS });
  await clock.jumpTo(new Date("2026-03-02T09:59:30Z"));
  guarded.play(badLogin);
  await sendStep(withLogin, await due());
  const wake = await due("example.com", id);
  await sendStep(withLogin, wake);
  const { scheduled_for: at } = await row(wake);
  expect(at.getTime()).toBeGreaterThanOrEqual(Date.parse("2026-03-03T02:00:00Z"));
  expect(at.getTime()).toBeLessThan(Date.parse("2026-03-03T02:15:00Z"));
});

describe("a verdict about us as a sender", () => {
  test.each([
    ["after the body", { refuseBody: { code: 550, text: "5.7.26 unauthenticated mail is not accepted" } }],
    ["about the sender's domain", { refuseRecipient: { code: 550, text: "5.1.8 sender's domain not found" } }],
    ["at MAIL FROM", { refuseSender: { code: 550, text: "sender verify failed" } }],
  ])("%s fails that email, suppresses nobody, and stops sending", async (_, script) => {
    smtp.play(script);
    const wake = await due();
    await sendStep(deps, wake);
    expect(await row(wake)).toMatchObject({ status: "failed", smtp_code: 550 });
    expect((await events(wake))[0]).toMatchObject({ kind: "failed", reason: "sender_refused" });
    expect(await backoff("transport")).toMatchObject({ reason: "sender_refused", interval_seconds: 300 });
    expect((await db.query("select from suppression")).rowCount).toBe(0);
    expect(errors).toContainEqual(expect.stringContaining("sending stands still"));
  });
});

describe("an address that is none", () => {
  test("is a hard bounce: failed, suppressed with what the server said, and nobody else is kept back", async () => {
    smtp.play({ refuseRecipient: { code: 550, text: "5.1.1 no such user" } });
    const wake = await due("bounces.example");
    await sendStep(deps, wake);
    expect(await row(wake)).toMatchObject({ status: "failed", smtp_code: 550, enhanced_code: "5.1.1" });
    const { rows } = await db.query("select email, reason, note from suppression");
    expect(rows).toEqual([
      {
        email: expect.stringContaining("@bounces.example"),
        reason: "hard_bounce",
        note: expect.stringContaining("5.1.1"),
      },
    ]);
    expect(await backoff("transport")).toBeUndefined();
    expect(await backoff("domain:bounces.example")).toBeUndefined();
  });

  test("without an enhanced code fails and is not suppressed", async () => {
    smtp.play({ refuseRecipient: { code: 550, text: "rejected" } });
    const wake = await due();
    await sendStep(deps, wake);
    expect(await row(wake)).toMatchObject({ status: "failed", smtp_code: 550, enhanced_code: null });
    expect((await db.query("select from suppression")).rowCount).toBe(0);
  });
});

test("a full mailbox is tried again, three times at most, and is not suppressed", async () => {
  smtp.play({ refuseRecipient: { code: 552, text: "5.2.2 mailbox full" } });
  const wake = await due();
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    await wakeAgain(wake);
    const { status, scheduled_for } = await row(wake);
    expect(status).toBe(attempt < 3 ? "scheduled" : "failed");
    await clock.jumpTo(scheduled_for);
  }
  expect(await row(wake)).toMatchObject({ status: "failed", attempt_count: 3, smtp_code: 552, enhanced_code: "5.2.2" });
  expect((await db.query("select from suppression")).rowCount).toBe(0);
});

describe("a domain that asks to go slower", () => {
  const slower = { refuseRecipient: { code: 421, text: "4.7.28 unusual rate of mail", domain: "slow.example" } };

  test("is slowed down and nobody else: its attempt counts, the next email there waits, others go out", async () => {
    smtp.play(slower);
    const wake = await due("slow.example");
    await sendStep(deps, wake);
    expect(await row(wake)).toMatchObject({ status: "scheduled", attempt_count: 1, smtp_code: 421 });
    expect(await backoff("domain:slow.example")).toMatchObject({ reason: "domain_slowed", interval_seconds: 30 });
    expect(errors).toEqual([]);

    const [next, other] = [await due("SLOW.example"), await due("quick.example")];
    await sendStep(deps, next);
    await sendStep(deps, other);
    expect((await events(next))[0]).toMatchObject({ kind: "deferred", reason: "domain_backoff" });
    expect((await events(next))[0].message).toMatch(
      /^Emails to slow\.example leave one at a time, since .*421 4\.7\.28/,
    );
    expect(await row(other)).toMatchObject({ status: "sent" });
  });

  test("is asked twice as often after each email that it takes, until it is as usual again", async () => {
    smtp.play(slower);
    await sendStep(deps, await due("slow.example"));
    smtp.play("accept");
    const intervals: (number | undefined)[] = [];
    for (let email = 0; email < 3; email += 1) {
      await jumpToNextTry("domain:slow.example");
      const wake = await due("slow.example");
      await sendStep(deps, wake);
      expect(await row(wake)).toMatchObject({ status: "sent" });
      intervals.push((await backoff("domain:slow.example"))?.interval_seconds);
    }
    expect(intervals).toEqual([15, 7.5, undefined]);
  });

  test("that greylists is not slowed down: each email passes after a while of its own", async () => {
    smtp.play({ refuseRecipient: { code: 451, text: "4.7.1 Greylisting in action, please come back later" } });
    await sendStep(deps, await due("grey.example"));
    expect(await backoff("domain:grey.example")).toBeUndefined();
  });
});

test("explain, due and the record say what the server said, and when the next try is", async () => {
  guarded.play(badLogin);
  const wake = await due();
  await sendStep(withLogin, wake);
  await clock.jumpTo(new Date(monday.getTime() + 10_000));
  const other = await due("example.org");

  const [explanation] = await explainExecutions({ ...deps, limits: NO_LIMITS, sender: null }, [other.executionId]);
  const { next_at: nextAt } = await backoff("transport");
  expect(explanation).toMatchObject({ decision: { kind: "defer", reason: "transport_backoff" }, next_try: nextAt });
  const gate = explanation?.gates.find((each) => each.name === "transport");
  expect(gate).toMatchObject({ passed: false, instead: "defer", data: { backoff: { next_at: nextAt } } });
  expect(gate?.sentence).toContain("535 5.7.8");
  expect(explanation?.gates.find((each) => each.name === "recipient_domain")).toMatchObject({ passed: true });

  const report: DueReport = await dueReport(db, { limit: 0 });
  expect(report.backoffs).toMatchObject([{ scope: "transport", nextAt }]);
  expect(seconds(monday, nextAt)).toBeGreaterThanOrEqual(54);
  expect(seconds(monday, nextAt)).toBeLessThanOrEqual(66);
});
