import type { Database } from "@dripline/db/database";
import { newId } from "@dripline/db/new-id";
import { BUSINESS_HOURS, type Schedule } from "@dripline/domain/schedule";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { describe, expect, test } from "vitest";
import type { SendDeps } from "./send-deps.ts";
import { sendStep } from "./send-step.ts";
import { enrollNow, openExecution, pastExecutions, planNow, startWorkerAt } from "./testing/worker-at.ts";

const start = new Date("2026-11-23T03:00:00Z"); // a Monday, 10:00 in Bangkok
const worker = await startWorkerAt(start);
const { db, clock, deps, smtp, woken } = worker;
const DAY = 86_400_000;

describe("an edit that is published while an email is on its way", () => {
  test("is what the next step is planned from, with its own delay", async () => {
    const made = await enrolled();
    const published = await publishing(made, (steps) => [steps[0], { ...steps[1], delay: 10 }, steps[2]]);

    await sendStep(published.deps, made.wake);

    const { rows } = await executions(made.enrollmentId);
    expect(rows).toMatchObject([
      { step_number: 1, status: "sent", sent_at: start },
      { step_id: published.stepIds[1], status: "scheduled", due_at: new Date(start.getTime() + 10 * DAY) },
    ]);
    expect(woken.at(-1)).toMatchObject({ executionId: rows[1].id, at: rows[1].scheduled_for });
  });

  test("that deletes the next step: they go on with the one after it", async () => {
    const made = await enrolled();
    const published = await publishing(made, (steps) => [steps[0], steps[2]]);

    await sendStep(published.deps, made.wake);

    expect((await executions(made.enrollmentId)).rows).toMatchObject([
      { step_key: made.stepIds[0], status: "sent" },
      { step_key: made.stepIds[2], step_id: published.stepIds[1], step_number: 2, status: "scheduled" },
    ]);
  });

  test("that deletes everything that was still to come: the enrollment completes, once", async () => {
    const made = await enrolled();
    const published = await publishing(made, (steps) => [steps[0]]);

    await sendStep(published.deps, made.wake);

    expect((await executions(made.enrollmentId)).rows).toMatchObject([{ status: "sent" }]);
    const { rows } = await db.query("select status, completed_at, ended_at from sequence_enrollment where id = $1", [
      made.enrollmentId,
    ]);
    expect(rows).toEqual([{ status: "completed", completed_at: start, ended_at: start }]);
  });

  test("that puts a step in between: they get it, and no step twice", async () => {
    const made = await enrolled();
    const added = { key: newId(), delay: 1 };
    const published = await publishing(made, (steps) => [steps[0], added, steps[1], steps[2]]);
    const bodies = smtp.bodies.length;

    await sendStep(published.deps, made.wake);
    await sendStep(deps, made.wake);
    for (let open = await openExecution(worker, made.enrollmentId); open !== undefined; ) {
      await clock.jumpTo(open.scheduledFor);
      await sendStep(deps, open);
      open = await openExecution(worker, made.enrollmentId);
    }

    expect((await executions(made.enrollmentId)).rows).toMatchObject([
      { step_key: made.stepIds[0], status: "sent" },
      { step_key: added.key, status: "sent" },
      { step_key: made.stepIds[1], status: "sent" },
      { step_key: made.stepIds[2], status: "sent" },
    ]);
    expect(smtp.bodies.length - bodies).toBe(4);
  });

  test("does not lose an outcome in doubt, also where the policy is that nothing follows", async () => {
    const made = await enrolled("hold");
    const published = await publishing(made, (steps) => [steps[0]]);
    smtp.play("drop_after_body");

    await sendStep(published.deps, made.wake);
    smtp.play("accept");

    expect((await executions(made.enrollmentId)).rows).toMatchObject([{ status: "in_doubt" }]);
    const { rows } = await db.query("select outcome from email_log where execution_id = $1", [made.wake.executionId]);
    expect(rows).toEqual([{ outcome: "in_doubt" }]);
  });

  test("that changes the step itself after its message was made stops that message, and the new one goes out", async () => {
    const made = await enrolled();
    const bodies = smtp.bodies.length;
    const published = await publishing(made, (steps) => steps, "before the claim");

    expect(await sendStep(published.deps, made.wake)).toMatchObject({ kind: "again" });
    expect(smtp.bodies.length).toBe(bodies);
    expect((await executions(made.enrollmentId)).rows).toMatchObject([{ status: "scheduled", attempt_count: 0 }]);
    expect(await sendStep(deps, made.wake)).toEqual({ kind: "done" });
    expect((await executions(made.enrollmentId)).rows[0]).toMatchObject({
      status: "sent",
      step_id: published.stepIds[0],
    });
  });
});

async function enrolled(inDoubtPolicy: "advance" | "hold" = "advance") {
  await clock.jumpTo(start);
  const steps = [0, 3, 27].map((value) => ({ delay: { value, unit: "days" } as const }));
  const sequence = await makeSequence(db, { steps, inDoubtPolicy });
  const { id: contactId } = await makeContact(db);
  const enrollmentId = await enrollNow(worker, { sequenceId: sequence.id, contactId });
  const wake = await openExecution(worker, enrollmentId);
  if (wake === undefined) throw new Error("nothing is open");
  return { ...sequence, enrollmentId, wake };
}

interface Edited {
  readonly key: string;
  readonly delay: number;
}
type Moment = "before the claim" | "before the record";

/** The same worker, but at that moment a second version is there and this enrollment, with its open step, is in it. */
async function publishing(
  made: Awaited<ReturnType<typeof enrolled>>,
  edit: (steps: readonly [Edited, Edited, Edited]) => readonly Edited[],
  moment: Moment = "before the record",
): Promise<{ deps: SendDeps; stepIds: readonly string[] }> {
  const versionId = newId();
  const [first = "", second = "", third = ""] = made.stepIds;
  const before = [
    { key: first, delay: 0 },
    { key: second, delay: 3 },
    { key: third, delay: 27 },
  ] as const;
  const steps = edit(before).map((step) => ({ ...step, id: newId() }));
  await db.query(
    "insert into sequence_version (id, sequence_id, version_number, published_at) values ($1, $2, 2, now())",
    [versionId, made.id],
  );
  for (const [index, step] of steps.entries()) {
    await db.query(
      `insert into sequence_step (id, version_id, step_key, step_number, name, template_id, delay_value, delay_unit)
       select $1, $2, $3, $4, 'Edited', template_id, $5, 'days' from sequence_step where id = $6`,
      [step.id, versionId, step.key, index + 1, step.delay, first],
    );
  }
  const publish = async () => {
    await db.query("update sequence_enrollment set version_id = $2 where id = $1", [made.enrollmentId, versionId]);
    await db.query(
      `update step_execution e set step_id = st.id, step_number = st.step_number from sequence_step st
       where st.version_id = $2 and st.step_key = e.step_key and e.enrollment_id = $1`,
      [made.enrollmentId, versionId],
    );
  };
  const statement = { "before the claim": "claim-executions", "before the record": "finish-executions" }[moment];
  return { deps: { ...deps, db: doingFirst(publish, statement) }, stepIds: steps.map((step) => step.id) };
}

/** The database, where something happens right before the first statement of this name. */
function doingFirst(happen: () => Promise<void>, statement: string): Database {
  let hasHappened = false;
  return new Proxy(db, {
    get(target, property) {
      if (property !== "query") return Reflect.get(target, property);
      return async (...args: Parameters<typeof db.query>) => {
        if ((args[0] as unknown as { name?: string }).name === statement && !hasHappened) {
          hasHappened = true;
          await happen();
        }
        return db.query(...args);
      };
    },
  });
}

function executions(enrollmentId: string) {
  return db.query("select * from step_execution where enrollment_id = $1 order by created_at, step_number", [
    enrollmentId,
  ]);
}

describe("whose zone a window is open in", () => {
  const theirOwn: Schedule = { ...BUSINESS_HOURS, usesContactTimezone: true, spreadMinutes: 0 };

  test.each([
    ["a contact with a zone gets theirs", "Europe/Berlin", "America/New_York", null, "Europe/Berlin", "contact"],
    ["one without gets the company's", null, "America/New_York", null, "America/New_York", "company"],
    [
      "enrolled for another company, that one's",
      null,
      "Europe/Berlin",
      "America/New_York",
      "America/New_York",
      "company",
    ],
    ["if that one has none, the schedule's", null, "Europe/Berlin", "", "Asia/Bangkok", "schedule"],
  ] as const)("%s, in the plan, at every send and on record", async (_, own, ofCompany, ofOther, zone, source) => {
    await clock.jumpTo(new Date("2026-11-23T20:00:00Z")); // night in Bangkok, 21:00 in Berlin, 15:00 in New York
    const days = (value: number) => ({ delay: { value, unit: "days" } as const });
    const { id: sequenceId } = await makeSequence(db, { schedule: theirOwn, steps: [days(0), days(5), days(1)] });
    const companyId = await makeCompany(ofCompany);
    const { id: contactId } = await makeContact(db, { timezone: own, companyId });
    const other = ofOther === null ? {} : { companyId: await makeCompany(ofOther || null) };
    const enrollmentId = await enrollNow(worker, { sequenceId, contactId, ...other });
    const plan = await planNow(worker, sequenceId, contactId);

    for (let open = await openExecution(worker, enrollmentId); open !== undefined; ) {
      await clock.jumpTo(open.scheduledFor);
      await sendStep(deps, open);
      open = await openExecution(worker, enrollmentId);
    }

    const past = await pastExecutions(worker, enrollmentId);
    expect(past.map((row) => ({ zone: row.timezone, source: row.timezone_source }))).toEqual(
      Array(3).fill({ zone, source }),
    );
    expect(past.map((row) => row.sent_at)).toEqual(plan.map((send) => send.scheduledFor));
    for (const { sent_at } of past) {
      const hour = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit" }).format(sent_at ?? undefined);
      expect(Number(hour)).toBeGreaterThanOrEqual(9);
      expect(Number(hour)).toBeLessThan(17);
    }
  });

  test("a zone that changes while a step waits is the one that counts at the send, and that is recorded", async () => {
    await clock.jumpTo(start);
    const { id: sequenceId } = await makeSequence(db, { schedule: theirOwn, steps: [{}] });
    const companyId = await makeCompany("America/New_York");
    const { id: contactId } = await makeContact(db, { companyId });
    const enrollmentId = await enrollNow(worker, { sequenceId, contactId });
    await db.query("update company set timezone = null where id = $1", [companyId]);

    const open = await openExecution(worker, enrollmentId);
    if (open === undefined) throw new Error("nothing is open");
    await clock.jumpTo(open.scheduledFor); // 09:00 in New York, 21:00 in Bangkok
    expect(await sendStep(deps, open)).toMatchObject({ kind: "again" });
    const deferred = await openExecution(worker, enrollmentId);
    await clock.jumpTo(deferred?.scheduledFor ?? start);
    await sendStep(deps, open);

    expect(await pastExecutions(worker, enrollmentId)).toMatchObject([
      { sent_at: new Date("2026-11-24T02:00:00Z"), timezone: "Asia/Bangkok", timezone_source: "schedule" },
    ]);
  });
});

async function makeCompany(timezone: string | null): Promise<string> {
  const id = newId();
  await db.query("insert into company (id, name, timezone) values ($1, 'Acme', $2)", [id, timezone]);
  return id;
}
