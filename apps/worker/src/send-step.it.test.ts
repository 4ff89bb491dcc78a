import { openDatabase } from "@dripline/db/database";
import { REAL_PACE } from "@dripline/domain/delay";
import { BUSINESS_HOURS } from "@dripline/domain/schedule";
import { NO_LIMITS } from "@dripline/domain/throttle";
import { enrollContact } from "@dripline/engine/enroll";
import { optOut } from "@dripline/engine/opt-out";
import { retryByOperator } from "@dripline/engine/retry-by-operator";
import { unenroll } from "@dripline/engine/unenroll";
import { createRenderer } from "@dripline/mail/render";
import { createSmtpTransport } from "@dripline/mail/smtp-transport";
import type { TimedWake, Wake } from "@dripline/queue/wake";
import { openMetricRegistry } from "@dripline/telemetry/instruments";
import { noSpans } from "@dripline/telemetry/spans";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence, makeTemplate } from "@dripline/testkit/factories";
import { startScriptedSmtp } from "@dripline/testkit/scripted-smtp";
import { waitFor } from "@dripline/testkit/wait-for";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { makeMailSlots } from "./mail-slots.ts";
import type { SendDeps } from "./send-deps.ts";
import { sendStep } from "./send-step.ts";
import { sweepOnce } from "./sweeps/start-sweeps.ts";
import type { SweepDeps } from "./sweeps/sweep-deps.ts";
import { makeWorkerMetrics } from "./worker-metrics.ts";

const { url } = await freshDatabase();
const db = openDatabase({ url, connectionsMax: 10, applicationName: "test", onError: () => {} });
const smtp = await startScriptedSmtp();
const transport = createSmtpTransport({ url: smtp.url, poolSize: 3 });
afterAll(async () => {
  await transport.close();
  await smtp.close();
  await db.end();
});

/** The timers that were set: this suite is about one wake-up at a time, and fires them itself. */
const woken: TimedWake[] = [];
/** How long the queue says it is. */
let jobsAhead = 0;

const deps: SweepDeps = {
  db,
  queue: {
    wake: async (wakes) => void woken.push(...wakes),
    counts: async () => ({ waiting: jobsAhead }),
    applySettings: async () => {},
  },
  transport,
  slots: makeMailSlots(10, new AbortController().signal),
  renderer: createRenderer(),
  log: { debug() {}, info() {}, warn() {}, error() {} },
  metrics: makeWorkerMetrics(openMetricRegistry("worker")),
  spans: noSpans,
  now: () => new Date(),
  onCheckpoint: () => {},
  stopping: new AbortController().signal,
  pace: REAL_PACE,
  limits: NO_LIMITS,
  from: { name: "Acme", address: "hello@acme.example" },
  secret: "a secret of at least thirty-two characters",
  publicUrl: "http://127.0.0.1:4600",
  leases: { claimSeconds: 60, dataSeconds: 60 },
};

beforeEach(() => {
  smtp.play("accept");
  smtp.bodies.length = 0;
  woken.length = 0;
});

async function enrolled(
  sequence: Parameters<typeof makeSequence>[1] = {},
  contact: Parameters<typeof makeContact>[1] = {},
) {
  const { id: sequenceId } = await makeSequence(db, sequence);
  const { id: contactId, email } = await makeContact(db, contact);
  const request = { sequenceId, contactId, companyId: null, notes: "" };
  const result = await enrollContact(db, request, { now: deps.now(), pace: REAL_PACE });
  if (result.kind !== "enrolled") throw new Error(`not enrolled: ${JSON.stringify(result)}`);
  const wake = result.wakes[0];
  if (wake === undefined) throw new Error("no timer");
  return { sequenceId, contactId, email, enrollmentId: result.enrollmentId, wake };
}

async function execution(id: string) {
  const { rows } = await db.query("select * from step_execution where id = $1", [id]);
  return rows[0];
}

async function enrollment(id: string) {
  const { rows } = await db.query("select * from sequence_enrollment where id = $1", [id]);
  return rows[0];
}

async function events(executionId: string) {
  const { rows } = await db.query(
    "select kind, reason, message, actor from execution_event where execution_id = $1 order by at, id",
    [executionId],
  );
  return rows;
}

describe("an email that is due", () => {
  test("is sent once, recorded with its log, and the next step gets its timer", async () => {
    const { wake, enrollmentId, email, contactId } = await enrolled({
      steps: [{}, { delay: { value: 3, unit: "days" } }],
    });

    expect(await sendStep(deps, wake)).toEqual({ kind: "done" });

    expect(smtp.bodies).toHaveLength(1);
    const sent = await execution(wake.executionId);
    expect(sent).toMatchObject({
      status: "sent",
      phase: null,
      lease_until: null,
      attempt_count: 1,
      error_message: null,
    });
    expect(smtp.bodies[0]).toContain(sent.message_id);

    const { rows: logs } = await db.query("select * from email_log where id = $1", [sent.email_log_id]);
    expect(logs[0]).toMatchObject({
      execution_id: wake.executionId,
      contact_id: contactId,
      to_address: email,
      from_address: "hello@acme.example",
      subject: "Hello Ann",
      outcome: "accepted",
      message_id: sent.message_id,
    });
    expect(logs[0].response).toMatch(/^250/);
    expect(logs[0].variables.contact).toMatchObject({ first_name: "Ann", email });

    expect(await enrollment(enrollmentId)).toMatchObject({
      status: "active",
      current_step_number: 1,
      started_at: sent.sent_at,
    });
    expect(woken).toHaveLength(1);
    const next = await execution(woken[0]?.executionId ?? "");
    expect(next).toMatchObject({ status: "scheduled", step_number: 2, enrollment_id: enrollmentId });
    // The delay counts from the actual send, three calendar days in UTC.
    expect(next.due_at.getTime() - sent.sent_at.getTime()).toBe(3 * 86_400_000);
    expect(woken[0]?.at).toEqual(next.scheduled_for);
  });

  test("of the last step completes the enrollment", async () => {
    const { wake, enrollmentId } = await enrolled({ steps: [{}] });
    await sendStep(deps, wake);
    const done = await enrollment(enrollmentId);
    expect(done).toMatchObject({ status: "completed", end_reason: "completed", current_step_number: 1 });
    expect(done.completed_at).toEqual((await execution(wake.executionId)).sent_at);
    expect(woken).toEqual([]);
  });

  test("carries one-click unsubscribe headers and goes to the contact alone", async () => {
    const { wake, email } = await enrolled({}, { firstName: "Ann\r\nBcc: evil@example.com" });
    await sendStep(deps, wake);
    const [headers] = smtp.bodies[0]?.split("\r\n\r\n") ?? [];
    expect(headers).toMatch(/^List-Unsubscribe: <http:\/\/127\.0\.0\.1:4600\/u\//m);
    expect(headers).toMatch(/^List-Unsubscribe-Post: List-Unsubscribe=One-Click/m);
    expect(headers).toContain(email);
    expect(headers).not.toMatch(/^Bcc:/im);
  });

  test("is sent once when its wake-up fires many times at once", async () => {
    const { wake } = await enrolled();
    await Promise.all(Array.from({ length: 8 }, () => sendStep(deps, wake)));
    expect(smtp.bodies).toHaveLength(1);
    expect(await execution(wake.executionId)).toMatchObject({ status: "sent", attempt_count: 1 });
  });

  test("passes over inactive steps, which are recorded", async () => {
    const { wake, enrollmentId } = await enrolled({ steps: [{}, { isActive: false }, {}] });
    await sendStep(deps, wake);
    const { rows } = await db.query(
      "select step_number, status from step_execution where enrollment_id = $1 order by step_number",
      [enrollmentId],
    );
    expect(rows).toEqual([
      { step_number: 1, status: "sent" },
      { step_number: 2, status: "skipped" },
      { step_number: 3, status: "scheduled" },
    ]);
  });
});

describe("a wake-up proves nothing:", () => {
  test("an unknown execution is over", async () => {
    const wake: Wake = { executionId: "019aaaaa-0000-7000-8000-000000000000", generation: 0 };
    expect(await sendStep(deps, wake)).toEqual({ kind: "done" });
  });

  test("one that comes early is told when to come back, and nothing is written", async () => {
    const { wake } = await enrolled({ steps: [{ delay: { value: 2, unit: "hours" } }] });
    const before = await execution(wake.executionId);
    const verdict = await sendStep(deps, wake);
    expect(verdict).toMatchObject({ kind: "again" });
    if (verdict.kind === "again")
      expect(Math.abs(verdict.at.getTime() - before.scheduled_for.getTime())).toBeLessThan(2_000);
    expect(await execution(wake.executionId)).toEqual(before);
    expect(smtp.bodies).toEqual([]);
  });

  test("outside business hours the row moves into the next window, an event says why, the wake-up comes again then", async () => {
    const closedNow = { ...BUSINESS_HOURS, windows: [{ weekday: anotherWeekday(), start: "09:00", end: "17:00" }] };
    const { wake } = await enrolled();
    // The schedule changes while the job waits: the timer was right when it was set.
    await db.query(
      `update schedule sc set timezone = 'Asia/Bangkok', windows = $1, spread_minutes = 15 from email_sequence s
       join sequence_enrollment n on n.sequence_id = s.id join step_execution e on e.enrollment_id = n.id
       where sc.id = s.schedule_id and e.id = $2`,
      [JSON.stringify(closedNow.windows), wake.executionId],
    );
    const verdict = await sendStep(deps, wake);
    const row = await execution(wake.executionId);
    expect(row).toMatchObject({ status: "scheduled", attempt_count: 0, generation: 0 });
    expect(row.scheduled_for.getTime()).toBeGreaterThan(Date.now());
    expect(verdict).toEqual({ kind: "again", at: row.scheduled_for });
    const [event] = await events(wake.executionId);
    expect(event).toMatchObject({ kind: "deferred", reason: "outside_window", actor: "worker" });
    expect(event.message).toContain("Asia/Bangkok");
    expect(smtp.bodies).toEqual([]);
  });

  test("a paused enrollment is never sent, even if its job already fired", async () => {
    const { wake, enrollmentId } = await enrolled();
    await db.query("update sequence_enrollment set status = 'paused' where id = $1", [enrollmentId]);
    await sendStep(deps, wake);
    expect(await execution(wake.executionId)).toMatchObject({ status: "pending", hold_reason: "enrollment_paused" });
    expect(smtp.bodies).toEqual([]);
  });

  test("an unenrolled contact gets nothing, even if the job already fired", async () => {
    const { wake, enrollmentId } = await enrolled();
    const done = await unenroll(db, {
      enrollmentId,
      to: "cancelled",
      note: "asked by phone",
      actor: "ann",
      now: deps.now(),
    });
    expect(done).toEqual({ kind: "unenrolled" });
    await sendStep(deps, wake);
    expect(await execution(wake.executionId)).toMatchObject({ status: "skipped" });
    expect((await enrollment(enrollmentId)).notes).toMatch(
      /^\[20\d\d-.*Z\] Unenrolled \(cancelled\) by ann: asked by phone$/,
    );
    expect(smtp.bodies).toEqual([]);
  });

  test("a contact who opted out gets nothing, and the enrollment is unsubscribed", async () => {
    const { wake, enrollmentId } = await enrolled();
    await optOut(db, { executionId: wake.executionId, source: "test", now: deps.now() });
    await sendStep(deps, wake);
    expect(await enrollment(enrollmentId)).toMatchObject({ status: "unsubscribed", end_reason: "contact_opted_out" });
    expect(smtp.bodies).toEqual([]);
  });

  test("a suppressed address gets nothing: the step is skipped and the enrollment cancelled, with the reason", async () => {
    const { wake, enrollmentId, email } = await enrolled();
    await db.query("insert into suppression (id, email, reason) values (gen_random_uuid(), upper($1), 'manual')", [
      email,
    ]);
    await sendStep(deps, wake);
    expect(await execution(wake.executionId)).toMatchObject({ status: "skipped" });
    expect(await enrollment(enrollmentId)).toMatchObject({ status: "cancelled", end_reason: "address_suppressed" });
    expect((await events(wake.executionId))[0]).toMatchObject({ kind: "skipped", reason: "address_suppressed" });
    expect(smtp.bodies).toEqual([]);
  });

  test("consent that is withdrawn between reading the facts and the claim stops the email", async () => {
    const { wake, contactId } = await enrolled();
    const withdrawing: SendDeps = {
      ...deps,
      db: new Proxy(db, {
        get(target, property) {
          if (property !== "query") return Reflect.get(target, property);
          return async (...args: Parameters<typeof db.query>) => {
            const name = (args[0] as unknown as { name?: string }).name;
            if (name === "claim-executions")
              await db.query("update contact set opted_out_at = now() where id = $1", [contactId]);
            return db.query(...args);
          };
        },
      }),
    };
    expect((await sendStep(withdrawing, wake)).kind).toBe("again");
    expect(smtp.bodies).toEqual([]);
    expect(await execution(wake.executionId)).toMatchObject({ status: "scheduled", attempt_count: 0 });
  });
});

test("a next step that cannot be timed is held with a sentence and an event", async () => {
  const { wake, enrollmentId } = await enrolled({ steps: [{}, {}] });
  await db.query(
    `update schedule sc set windows = '[]' from email_sequence s join sequence_enrollment n on n.sequence_id = s.id
     where sc.id = s.schedule_id and n.id = $1`,
    [enrollmentId],
  );
  await sendStep(deps, wake);
  const held = await execution(wake.executionId);
  expect(held).toMatchObject({ status: "pending", hold_reason: "window_never_opens" });
  expect(held.error_message).toContain("no window");
});

test("a step that opens while its sequence is paused says so", async () => {
  const { wake, enrollmentId, sequenceId } = await enrolled({ steps: [{}, {}] });
  const pausing: SendDeps = {
    ...deps,
    transport: {
      ...transport,
      async deliver(message, onBeforeBody) {
        const reply = await transport.deliver(message, onBeforeBody);
        await db.query("update email_sequence set status = 'paused' where id = $1", [sequenceId]);
        return reply;
      },
    },
  };
  await sendStep(pausing, wake);
  const { rows } = await db.query(
    "select id, status, hold_reason, error_message from step_execution where enrollment_id = $1 and step_number = 2",
    [enrollmentId],
  );
  expect(rows[0]).toMatchObject({
    status: "pending",
    hold_reason: "sequence_paused",
    error_message: "The sequence is paused.",
  });
  expect(await events(rows[0].id)).toMatchObject([{ kind: "held", reason: "sequence_paused" }]);
});

describe("a template that cannot be rendered", () => {
  test("holds the execution with the variable's name and sends nothing with a hole", async () => {
    const templateId = await makeTemplate(db, { html: "<p>{{ contact.attributes.plan }}</p>" });
    const { wake } = await enrolled({ steps: [{ templateId }] });
    await sendStep(deps, wake);
    const row = await execution(wake.executionId);
    expect(row).toMatchObject({ status: "pending", hold_reason: "missing_variable", attempt_count: 0 });
    expect(row.error_message).toContain("contact.attributes.plan");
    expect((await events(wake.executionId))[0]).toMatchObject({ kind: "held", reason: "missing_variable" });
    expect(smtp.bodies).toEqual([]);
  });

  test("goes on at once when an operator retries it after the reason was put right", async () => {
    const templateId = await makeTemplate(db, { html: "<p>{{ contact.attributes.plan }}</p>" });
    const { wake, contactId } = await enrolled({ steps: [{ templateId }] });
    await sendStep(deps, wake);
    await db.query(`update contact set attributes = '{"plan": "gold"}' where id = $1`, [contactId]);
    const moved = await retryByOperator(
      { db, queue: deps.queue, now: new Date(Date.now() - 1), actor: "ann" },
      { executionIds: [wake.executionId] },
    );
    expect(moved).toEqual([wake.executionId]);
    const [next] = woken;
    expect(next).toMatchObject({ executionId: wake.executionId, generation: 1 });
    await sendStep(deps, { executionId: wake.executionId, generation: 1 });
    expect(await execution(wake.executionId)).toMatchObject({ status: "sent", attempt_count: 1 });
    expect((await events(wake.executionId)).map((event) => event.kind)).toEqual(["held", "revived"]);
  });

  test("counts an empty first name as missing rather than writing 'Hello ,'", async () => {
    const { wake } = await enrolled({}, { firstName: "" });
    await sendStep(deps, wake);
    expect((await execution(wake.executionId)).error_message).toContain("contact.first_name");
  });
});

test("an address that no message can be sent to is held with the reason, not tried for ever", async () => {
  const { wake } = await enrolled({}, { email: "two@example.com, addresses@example.com" });
  await sendStep(deps, wake);
  expect(await execution(wake.executionId)).toMatchObject({ status: "pending", hold_reason: "message_invalid" });
  expect(smtp.bodies).toEqual([]);
});

describe("the mail server's answer:", () => {
  test("a 4xx is tried again later, under a new generation, with the server's words", async () => {
    const { wake } = await enrolled();
    smtp.play({ refuseRecipient: { code: 451, text: "4.7.1 greylisted, come back" } });
    const before = Date.now();
    expect(await sendStep(deps, wake)).toEqual({ kind: "done" });
    const row = await execution(wake.executionId);
    expect(row).toMatchObject({ status: "scheduled", attempt_count: 1, generation: 1 });
    expect(row.error_message).toContain("greylisted");
    expect(row.scheduled_for.getTime() - before).toBeGreaterThanOrEqual(0.8 * 300_000);
    expect(woken).toEqual([{ executionId: wake.executionId, generation: 1, at: row.scheduled_for }]);
    expect((await events(wake.executionId))[0]).toMatchObject({ kind: "retried", reason: "refused_4xx" });
  });

  test("three transient refusals are a failure that waits for an operator; the enrollment stays where it is", async () => {
    const { wake, enrollmentId } = await enrolled();
    smtp.play({ refuseBody: { code: 452, text: "4.2.2 mailbox full" } });
    for (let generation = 0; generation < 3; generation++) {
      await db.query("update step_execution set scheduled_for = now() where id = $1", [wake.executionId]);
      await sendStep(deps, { ...wake, generation });
    }
    const row = await execution(wake.executionId);
    expect(row).toMatchObject({ status: "failed", attempt_count: 3 });
    expect(row.error_message).toContain("attempt 3 of 3");
    expect(await enrollment(enrollmentId)).toMatchObject({ status: "active", current_step_number: 0 });
    expect((await events(wake.executionId)).map((event) => event.kind)).toEqual(["retried", "retried", "failed"]);
  });

  test("every attempt carries the same Message-ID", async () => {
    const { wake } = await enrolled();
    smtp.play({ refuseBody: { code: 451, text: "try again" } });
    await sendStep(deps, wake);
    await db.query("update step_execution set scheduled_for = now() where id = $1", [wake.executionId]);
    smtp.play("accept");
    await sendStep(deps, { ...wake, generation: 1 });
    const ids = smtp.bodies.map((body) => /^Message-ID: (.*)$/im.exec(body)?.[1]?.trim());
    expect(ids).toHaveLength(2);
    expect(ids[0]).toBe(ids[1]);
    expect(await execution(wake.executionId)).toMatchObject({ status: "sent", attempt_count: 2 });
  });

  test("a 5xx is a failure at once", async () => {
    const { wake } = await enrolled();
    smtp.play({ refuseRecipient: { code: 550, text: "5.1.1 no such user" } });
    await sendStep(deps, wake);
    expect(await execution(wake.executionId)).toMatchObject({ status: "failed", attempt_count: 1 });
  });

  test("no reply after the body is in doubt: listed, not repeated, and the next step goes on", async () => {
    const { wake, enrollmentId } = await enrolled();
    smtp.play("drop_after_body");
    await sendStep(deps, wake);
    const row = await execution(wake.executionId);
    expect(row).toMatchObject({ status: "in_doubt", sent_at: null });
    const { rows } = await db.query("select outcome, response from email_log where id = $1", [row.email_log_id]);
    expect(rows[0]).toEqual({ outcome: "in_doubt", response: null });
    expect(await enrollment(enrollmentId)).toMatchObject({ status: "active", current_step_number: 1 });
    expect(woken).toHaveLength(1);
    smtp.play("accept");
    await sendStep(deps, { executionId: wake.executionId, generation: row.generation });
    expect(smtp.bodies).toHaveLength(1);
  });

  test("no reply after the body stops the enrollment under the policy 'hold'", async () => {
    const { wake, enrollmentId } = await enrolled({ inDoubtPolicy: "hold" });
    smtp.play("drop_after_body");
    await sendStep(deps, wake);
    expect(await execution(wake.executionId)).toMatchObject({ status: "in_doubt" });
    expect(await enrollment(enrollmentId)).toMatchObject({ status: "active", current_step_number: 0 });
    expect(woken).toEqual([]);
  });

  test("a server that cannot be reached is tried again, and nothing is in doubt", async () => {
    const { wake } = await enrolled();
    const nobody = createSmtpTransport({ url: "smtp://127.0.0.1:1", poolSize: 1 });
    await sendStep({ ...deps, transport: nobody }, wake);
    await nobody.close();
    const row = await execution(wake.executionId);
    expect(row).toMatchObject({ status: "scheduled", attempt_count: 1 });
    expect((await events(wake.executionId))[0]).toMatchObject({ kind: "retried", reason: "server_unreachable" });
  });
});

describe("our own database", () => {
  /** The database, but for one statement that fails once with this error. */
  function failingOnce(statement: string, error: Error): SendDeps["db"] {
    let hasFailed = false;
    return new Proxy(db, {
      get(target, property) {
        if (property !== "query") return Reflect.get(target, property);
        return async (...args: Parameters<typeof db.query>) => {
          if ((args[0] as unknown as { name?: string }).name === statement && !hasFailed) {
            hasFailed = true;
            throw error;
          }
          return db.query(...args);
        };
      },
    });
  }

  test("away when the message was to leave: nothing is sent, it is tried again, and no attempt is used up", async () => {
    const { wake } = await enrolled();
    await sendStep({ ...deps, db: failingOnce("mark-data", new Error("Connection terminated unexpectedly")) }, wake);
    expect(smtp.bodies).toEqual([]);
    expect(await execution(wake.executionId)).toMatchObject({ status: "scheduled", attempt_count: 0, generation: 1 });
    expect((await events(wake.executionId))[0]).toMatchObject({ kind: "released", reason: "database_unavailable" });
    expect(woken).toHaveLength(1);
  });

  test("away when the server's answer is to be recorded: the answer is kept until it is", async () => {
    const { wake } = await enrolled();
    const readOnly = Object.assign(new Error("cannot execute UPDATE in a read-only transaction"), { code: "25006" });
    await sendStep({ ...deps, db: failingOnce("finish-executions", readOnly) }, wake);
    expect(smtp.bodies).toHaveLength(1);
    expect(await execution(wake.executionId)).toMatchObject({ status: "sent" });
  });

  test("goes a little slower than its clock is known here: an early wake-up comes again after a pause, not at once", async () => {
    const { wake } = await enrolled();
    await db.query("update step_execution set scheduled_for = now() + interval '3 s' where id = $1", [
      wake.executionId,
    ]);
    const ahead = new Date(Date.now() + 4_000);
    const verdict = await sendStep({ ...deps, now: () => ahead }, wake);
    expect(verdict.kind).toBe("again");
    if (verdict.kind === "again") expect(verdict.at.getTime() - ahead.getTime()).toBeGreaterThan(200);
  });
});

test("half a character in the subject is sent and recorded as a replacement character", async () => {
  const templateId = await makeTemplate(db, { subject: "{{ contact.first_name | split: '' | first }}!" });
  const { wake } = await enrolled({ steps: [{ templateId }] }, { firstName: "😀lena" });
  await sendStep(deps, wake);
  expect(await execution(wake.executionId)).toMatchObject({ status: "sent" });
});

describe("a worker that is told to stop", () => {
  test("claims nothing of what comes to it from then on: it is for another one", async () => {
    const { wake } = await enrolled();
    const passed: string[] = [];
    const stopped = { ...deps, stopping: AbortSignal.abort(), onCheckpoint: (at: string) => void passed.push(at) };
    expect(await sendStep(stopped, wake)).toMatchObject({ kind: "again" });
    expect(passed).toEqual([]); // no statement is begun either
    expect(await execution(wake.executionId)).toMatchObject({ status: "scheduled", generation: 0, attempt_count: 0 });
  });

  test("claims nothing of what waited for its turn at the mail server", async () => {
    const { wake } = await enrolled();
    const stopping = new AbortController();
    const slots = makeMailSlots(1, stopping.signal);
    let leave = () => {};
    const before = slots.use(() => new Promise<void>((resolve) => (leave = resolve)));
    const waiting: SendDeps = {
      ...deps,
      slots,
      stopping: stopping.signal,
      onCheckpoint: (checkpoint) => void (checkpoint === "place_taken" && setImmediate(() => stopping.abort())),
    };
    expect(await sendStep(waiting, wake)).toMatchObject({ kind: "again" });
    expect(smtp.bodies).toEqual([]);
    expect(await execution(wake.executionId)).toMatchObject({ status: "scheduled", generation: 0, attempt_count: 0 });
    leave();
    await before;
  });
});

describe("the fence:", () => {
  test("an opt-out while the worker connects stops the email before its first byte", async () => {
    const { wake, contactId } = await enrolled();
    const slow: SendDeps = {
      ...deps,
      transport: {
        ...transport,
        async deliver(message, onBeforeBody) {
          await db.query("update contact set opted_out_at = now() where id = $1", [contactId]);
          return transport.deliver(message, onBeforeBody);
        },
      },
    };
    await sendStep(slow, wake);
    expect(smtp.bodies).toEqual([]);
    // It does not wait for the end of the lease: the next look finds the row, and the reason.
    expect(await execution(wake.executionId)).toMatchObject({ status: "scheduled", attempt_count: 0 });
    const [again] = woken;
    await sendStep(deps, again ?? wake);
    expect(await execution(wake.executionId)).toMatchObject({ status: "skipped" });
  });

  test("a worker whose lease was taken away sends no byte, and writes nothing", async () => {
    const { wake } = await enrolled();
    const robbed: SendDeps = {
      ...deps,
      transport: {
        ...transport,
        async deliver(message, onBeforeBody) {
          // Another worker rescues the row while this one talks to the server.
          await db.query("update step_execution set generation = generation + 1 where id = $1", [wake.executionId]);
          return transport.deliver(message, onBeforeBody);
        },
      },
    };
    await sendStep(robbed, wake);
    expect(smtp.bodies).toEqual([]);
    expect(await execution(wake.executionId)).toMatchObject({ status: "sending", phase: "claimed", generation: 2 });
  });

  test("a worker that stood still after it had marked the row until its lease was over sends no byte", async () => {
    const { wake } = await enrolled();
    let now = deps.now();
    const frozen: SendDeps = {
      ...deps,
      now: () => now,
      onCheckpoint(checkpoint) {
        if (checkpoint === "marked") now = new Date(now.getTime() + deps.leases.dataSeconds * 1_000);
      },
    };
    await sendStep(frozen, wake);
    expect(smtp.bodies).toEqual([]);
    expect(await execution(wake.executionId)).toMatchObject({ status: "scheduled", attempt_count: 0 });
  });
});

describe("the sweep", () => {
  const timesWoken = (wake: Wake) => woken.filter((w) => w.executionId === wake.executionId).length;
  const overdue = (wake: Wake) =>
    db.query("update step_execution set scheduled_for = now() - interval '20 s' where id = $1", [wake.executionId]);

  test("wakes a due row that nobody woke, once while the queue is long", async () => {
    const { wake } = await enrolled();
    await overdue(wake);
    jobsAhead = 5_000;
    await sweepOnce(deps);
    expect(timesWoken(wake)).toBe(1);
    await sweepOnce(deps);
    expect(timesWoken(wake)).toBe(1);
  });

  test("wakes again what it woke before the queue lost everything", async () => {
    await db.query("update step_execution set status = 'skipped' where status = 'scheduled'");
    const { wake } = await enrolled();
    await overdue(wake);
    jobsAhead = 0;
    await sweepOnce(deps);
    expect(timesWoken(wake)).toBe(1);
    await db.query("update step_execution set rescued_at = now() - interval '11 s' where id = $1", [wake.executionId]);
    await sweepOnce(deps);
    expect(timesWoken(wake)).toBe(2);
  });

  test("leaves a row alone whose timer fires in time", async () => {
    const { wake } = await enrolled();
    await sweepOnce(deps);
    expect(timesWoken(wake)).toBe(0);
  });

  test("schedules again what a worker had claimed and not begun to send", async () => {
    const { wake } = await enrolled();
    await db.query(
      `update step_execution set status = 'sending', phase = 'claimed', generation = 1, attempt_count = 1,
              lease_until = now() - interval '1 s' where id = $1`,
      [wake.executionId],
    );
    await sweepOnce(deps);
    expect(await execution(wake.executionId)).toMatchObject({
      status: "scheduled",
      generation: 2,
      lease_until: null,
      attempt_count: 0,
    });
    expect((await events(wake.executionId))[0]).toMatchObject({ kind: "rescued", reason: "lease_expired" });
  });

  test("declares in doubt what a worker had begun to send, and goes on with the next step", async () => {
    const { wake, enrollmentId, email } = await enrolled();
    await beginAndDie(wake);
    await sweepOnce(deps);
    const row = await execution(wake.executionId);
    expect(row).toMatchObject({ status: "in_doubt", has_advanced: true, worker_losses: 1 });
    expect((await events(wake.executionId))[0]).toMatchObject({ kind: "in_doubt", reason: "worker_lost" });
    expect(await enrollment(enrollmentId)).toMatchObject({ current_step_number: 1 });
    const { rows: logs } = await db.query("select * from email_log where id = $1", [row.email_log_id]);
    expect(logs[0]).toMatchObject({ outcome: "in_doubt", response: null, to_address: email, subject: "Hello Ann" });
  });

  test("settles all others although one in doubt cannot be settled", async () => {
    const [broken, sound] = [(await enrolled()).wake, (await enrolled()).wake];
    for (const wake of [broken, sound]) await beginAndDie(wake);
    // What a hand in the database may leave: the log of an email without what it was made from cannot be written.
    await db.query("update step_execution set message_source = null where id = $1", [broken.executionId]);
    await sweepOnce(deps);
    expect(await execution(broken.executionId)).toMatchObject({ status: "sending", phase: "data" });
    expect(await execution(sound.executionId)).toMatchObject({ status: "in_doubt" });
    await db.query("update step_execution set status = 'failed', phase = null, lease_until = null where id = $1", [
      broken.executionId,
    ]);
  });
});

/** A worker marks the row, and nothing is heard of it any more until its lease is over. */
async function beginAndDie(wake: Wake): Promise<void> {
  const dying: SendDeps["transport"] = {
    ...transport,
    async deliver(_message, onBeforeBody) {
      await onBeforeBody();
      return new Promise(() => {});
    },
  };
  void sendStep({ ...deps, transport: dying }, wake);
  await waitFor(async () => (await execution(wake.executionId)).phase === "data", {
    timeoutMilliseconds: 5_000,
    describe: "the mark",
  });
  await db.query("update step_execution set lease_until = now() - interval '1 s' where id = $1", [wake.executionId]);
}

/** A weekday, 1 to 7, that is neither today nor tomorrow nor yesterday anywhere. */
function anotherWeekday(): number {
  return ((new Date().getUTCDay() + 2) % 7) + 1;
}
