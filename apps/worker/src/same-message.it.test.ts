import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { beforeEach, describe, expect, test } from "vitest";
import type { SendDeps } from "./send-deps.ts";
import { sendStep } from "./send-step.ts";
import { rescueLeases } from "./sweeps/rescue-leases.ts";
import { enrollNow, openExecution, startWorkerAt } from "./testing/worker-at.ts";

/** Every attempt at one email hands over the same message, whatever changed in between. */

const start = new Date("2026-03-02T10:00:00Z");
const worker = await startWorkerAt(start);
const { db, clock, smtp, deps } = worker;

beforeEach(() => {
  smtp.play("accept");
  smtp.bodies.length = 0;
});

async function enrolled(sequence: Parameters<typeof makeSequence>[1] = {}) {
  const { id: sequenceId } = await makeSequence(db, { steps: [{}], ...sequence });
  const { id: contactId } = await makeContact(db);
  const enrollmentId = await enrollNow(worker, { sequenceId, contactId });
  return { sequenceId, contactId, enrollmentId };
}

async function sendNow(enrollmentId: string): Promise<void> {
  const open = await openExecution(worker, enrollmentId);
  if (open === undefined) throw new Error("nothing is open");
  await clock.jumpTo(new Date(Math.max(open.scheduledFor.getTime(), clock.now().getTime())));
  await sendStep(deps, open);
}

describe("after the server asked to come back later", () => {
  test("the second attempt has the same bytes, although contact and template were edited meanwhile", async () => {
    const { enrollmentId, contactId } = await enrolled();
    smtp.play({ refuseBody: { code: 451, text: "4.3.0 Come back later" } });
    await sendNow(enrollmentId);
    await db.query("update contact set first_name = 'Anna', attributes = '{\"plan\": \"pro\"}' where id = $1", [
      contactId,
    ]);
    await db.query(
      `insert into email_template_version (id, template_id, version_number, mjml, subject, html, text)
       select gen_random_uuid(), template_id, 2, mjml, 'Another subject', '<p>Another text</p>', text
       from email_template_version`,
    );
    await db.query("update email_template set current_version_number = 2");
    smtp.play("accept");
    await sendNow(enrollmentId);

    expect(smtp.bodies).toHaveLength(2);
    expect(smtp.bodies[1]).toBe(smtp.bodies[0]);
    const { rows } = await db.query(
      "select l.subject, l.variables from email_log l join step_execution e on e.email_log_id = l.id where e.enrollment_id = $1",
      [enrollmentId],
    );
    expect(rows).toMatchObject([{ subject: "Hello Ann", variables: { contact: { first_name: "Ann" } } }]);
  });

  test("a corrected address gets a message that was made for it", async () => {
    const { enrollmentId, contactId } = await enrolled();
    smtp.play({ refuseRecipient: { code: 450, text: "4.2.1 Try again" } });
    await sendNow(enrollmentId);
    await db.query("update contact set email = 'right@example.com', first_name = 'Anna' where id = $1", [contactId]);
    smtp.play("accept");
    await sendNow(enrollmentId);
    expect(smtp.bodies).toHaveLength(1);
    expect(smtp.bodies[0]).toMatch(/^To: .*right@example\.com/m);
    expect(smtp.bodies[0]).toContain("Hello Anna");
  });

  test("a template that looks at the order of attributes finds it unchanged", async () => {
    const { enrollmentId, contactId } = await enrolled();
    await db.query(`update contact set attributes = '{"zebra": 1, "a": 2, "mm": 3}' where id = $1`, [contactId]);
    await db.query(
      "update email_template_version set html = '{% for pair in contact %}{{ pair[0] }} {% endfor %}{% for pair in contact.attributes %}{{ pair[0] }} {% endfor %}'",
    );
    smtp.play({ refuseBody: { code: 451, text: "4.3.0 Come back later" } });
    await sendNow(enrollmentId);
    smtp.play("accept");
    await sendNow(enrollmentId);
    expect(smtp.bodies[1]).toContain("attributes");
    expect(smtp.bodies[1]).toBe(smtp.bodies[0]);
  });
});

describe("an email whose outcome nobody can know, under the policy", () => {
  test("`resend`, goes out again as the same message, and the doubt is on record before the second copy", async () => {
    const { enrollmentId, contactId } = await enrolled({ inDoubtPolicy: "resend" });
    smtp.play("drop_after_body");
    await sendNow(enrollmentId);
    const waiting = await openExecution(worker, enrollmentId);
    expect(waiting).toMatchObject({ status: "scheduled" });
    expect(waiting?.scheduledFor.getTime()).toBeGreaterThan(clock.now().getTime());
    expect(await events(enrollmentId)).toMatchObject([{ kind: "in_doubt", reason: "no_final_reply" }]);
    expect(await logs(enrollmentId)).toEqual(["in_doubt"]);

    await db.query("update contact set first_name = 'Anna' where id = $1", [contactId]);
    smtp.play("accept");
    await sendNow(enrollmentId);
    expect(smtp.bodies).toHaveLength(2);
    expect(smtp.bodies[1]).toBe(smtp.bodies[0]);
    expect(await logs(enrollmentId)).toEqual(["in_doubt", "accepted"]);
    expect(await statuses(enrollmentId)).toEqual(["sent"]);
  });

  test("`resend`, is not sent again for ever: after the last attempt it is in doubt and its enrollment waits", async () => {
    const { enrollmentId } = await enrolled({ inDoubtPolicy: "resend", steps: [{}, {}] });
    smtp.play("drop_after_body");
    for (let attempt = 1; attempt <= 3; attempt += 1) await sendNow(enrollmentId);
    expect(await statuses(enrollmentId)).toEqual(["in_doubt"]);
    expect((await events(enrollmentId)).at(-1)?.message).toMatch(/attempt 3 of 3: an operator decides/);
    expect(smtp.bodies).toHaveLength(3);
  });

  test("`advance`, stays in doubt, and the next step follows", async () => {
    const { enrollmentId } = await enrolled({ inDoubtPolicy: "advance", steps: [{}, {}] });
    smtp.play("drop_after_body");
    await sendNow(enrollmentId);
    expect(await statuses(enrollmentId)).toEqual(["in_doubt", "scheduled"]);
  });

  test("`hold`, stays in doubt, and its enrollment waits", async () => {
    const { enrollmentId } = await enrolled({ inDoubtPolicy: "hold", steps: [{}, {}] });
    smtp.play("drop_after_body");
    await sendNow(enrollmentId);
    expect(await statuses(enrollmentId)).toEqual(["in_doubt"]);
    const { rows } = await db.query("select status from sequence_enrollment where id = $1", [enrollmentId]);
    expect(rows).toEqual([{ status: "active" }]);
  });
});

describe("an answer that comes after the lease had ended and a sweep had called the email in doubt", () => {
  /** The same worker, frozen between the server's "250" and its own next step. */
  const frozen: SendDeps = {
    ...deps,
    transport: {
      ...deps.transport,
      async deliver(message, onBeforeBody) {
        const reply = await deps.transport.deliver(message, onBeforeBody);
        await db.query("update step_execution set lease_until = now() - interval '1 s' where status = 'sending'");
        await rescue();
        return reply;
      },
    },
  };
  const queue = { ...deps.queue, counts: async () => ({}), applySettings: async () => {} };
  const rescue = () => rescueLeases.runOnce({ ...deps, queue });

  test.each(["advance", "hold", "resend"] as const)(
    "settles the doubt under `%s`: sent once, and the next step is open once",
    async (inDoubtPolicy) => {
      const { enrollmentId } = await enrolled({ inDoubtPolicy, steps: [{}, { delay: { value: 3, unit: "days" } }] });
      const open = await openExecution(worker, enrollmentId);
      if (open === undefined) throw new Error("nothing is open");
      await sendStep(frozen, open);

      expect(await statuses(enrollmentId)).toEqual(["sent", "scheduled"]);
      expect(await logs(enrollmentId)).toEqual(["in_doubt", "accepted"]);
      expect((await events(enrollmentId)).map(({ reason }) => reason)).toEqual(["worker_lost", "late_reply"]);
      expect(smtp.bodies).toHaveLength(1);
    },
  );
});

async function events(enrollmentId: string) {
  const { rows } = await db.query<{ kind: string; reason: string; message: string }>(
    `select v.kind, v.reason, v.message from execution_event v join step_execution e on e.id = v.execution_id
     where e.enrollment_id = $1 order by v.at, v.id`,
    [enrollmentId],
  );
  return rows;
}

async function logs(enrollmentId: string): Promise<string[]> {
  const { rows } = await db.query<{ outcome: string }>(
    `select l.outcome from email_log l join step_execution e on e.id = l.execution_id
     join sequence_enrollment n on n.id = e.enrollment_id and n.sequence_id = l.sequence_id
     where e.enrollment_id = $1 order by l.sent_at, l.id`,
    [enrollmentId],
  );
  return rows.map(({ outcome }) => outcome);
}

async function statuses(enrollmentId: string): Promise<string[]> {
  const { rows } = await db.query<{ status: string }>(
    "select status from step_execution where enrollment_id = $1 order by step_number",
    [enrollmentId],
  );
  return rows.map(({ status }) => status);
}
