import { changeSequenceStatus } from "@dripline/db/change-sequence-status";
import { inTransaction, type Queryable } from "@dripline/db/database";
import { newId } from "@dripline/db/new-id";
import { REAL_PACE } from "@dripline/domain/delay";
import { ALWAYS_OPEN, BUSINESS_HOURS } from "@dripline/domain/schedule";
import { NO_LIMITS } from "@dripline/domain/throttle";
import { enrollContact } from "@dripline/engine/enroll";
import { pauseEnrollment } from "@dripline/engine/pause-enrollment";
import { releaseAfterPause } from "@dripline/engine/release-after-pause";
import { resumeEnrollment } from "@dripline/engine/resume-enrollments";
import { archiveSequence, pauseSequence, resumeSequence } from "@dripline/engine/sequence-lifecycle";
import { unenroll } from "@dripline/engine/unenroll";
import type { PendingWake } from "@dripline/engine/wake-after-commit";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { waitFor } from "@dripline/testkit/wait-for";
import { beforeEach, describe, expect, test } from "vitest";
import { sendStep } from "./send-step.ts";
import { sweepOnce } from "./sweeps/start-sweeps.ts";
import type { SweepDeps } from "./sweeps/sweep-deps.ts";
import { startWorkerAt } from "./testing/worker-at.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** A Monday. */
const start = new Date("2031-05-05T08:00:00.000Z");
const at = (days: number) => new Date(start.getTime() + days * DAY);

const worker = await startWorkerAt(start);
const { db, clock, smtp, woken } = worker;
const { transport } = worker.deps;
const deps: SweepDeps = {
  ...worker.deps,
  queue: { ...worker.deps.queue, counts: async () => ({}), applySettings: async () => {} },
};

beforeEach(async () => {
  await clock.jumpTo(start);
  await db.query("delete from execution_event");
  await db.query("delete from step_execution");
  await db.query("delete from sequence_enrollment");
  await db.query("update email_sequence set status = 'archived', paused_at = null");
  smtp.bodies.length = 0;
  woken.length = 0;
});

const inThreeDays = { delay: { value: 3, unit: "days" } } as const;

async function enrolled(sequence: Parameters<typeof makeSequence>[1] = { steps: [inThreeDays, {}] }) {
  const { id: sequenceId } = await makeSequence(db, sequence);
  return { sequenceId, ...(await enrollIn(sequenceId)) };
}

async function enrollIn(sequenceId: string, contact?: { readonly id: string }) {
  const { id: contactId } = contact ?? (await makeContact(db));
  const request = { sequenceId, contactId, companyId: null, notes: "" };
  const result = await enrollContact(db, request, { now: clock.now(), pace: REAL_PACE });
  if (result.kind !== "enrolled" || result.wakes[0] === undefined) throw new Error("not enrolled");
  return { enrollmentId: result.enrollmentId, wake: result.wakes[0] };
}

const by = () => ({ now: clock.now(), actor: "api_key:ann" });

/** What an operator can do to a sequence or an enrollment, each as one request of the API: a transaction, then the wakes. */
const operator = {
  pauseSequence: (id: string) => inTransaction(db, (tx) => pauseSequence(tx, id, by())),
  resumeSequence: async (id: string) => wakesOf(await inTransaction(db, (tx) => resumeSequence(tx, id, by()))),
  archiveSequence: (id: string) => inTransaction(db, (tx) => archiveSequence(tx, id, by())),
  pause: (enrollmentId: string, until: Date | null = null) =>
    inTransaction(db, (tx) => pauseEnrollment(tx, { enrollmentId, until, note: "", ...by() })),
  resume: async (id: string) =>
    wakesOf(await inTransaction(db, (tx) => resumeEnrollment(tx, id, { note: "", pace: REAL_PACE, ...by() }))),
  unenroll: (enrollmentId: string, to: "paused" | "cancelled") =>
    inTransaction(db, (tx) => unenroll(tx, { enrollmentId, to, note: "", ...by() })),
};

function wakesOf(result: { kind: string; wakes?: readonly PendingWake[] }): readonly PendingWake[] {
  if (result.kind !== "done" || result.wakes === undefined) throw new Error(`not done: ${result.kind}`);
  return result.wakes;
}

async function executions(enrollmentId: string) {
  const { rows } = await db.query(
    `select id, step_number as step, status, hold_reason, generation, due_at, scheduled_for from step_execution
     where enrollment_id = $1 order by step_number`,
    [enrollmentId],
  );
  return rows;
}

async function enrollmentRow(id: string) {
  return (await db.query("select * from sequence_enrollment where id = $1", [id])).rows[0];
}

async function eventsOf(executionId: string) {
  const { rows } = await db.query(
    "select kind, reason, message from execution_event where execution_id = $1 order by at, id",
    [executionId],
  );
  return rows;
}

async function eventKinds(executionId: string): Promise<string[]> {
  return (await eventsOf(executionId)).map((row) => row.kind);
}

/** Fires every timer of the row, old and new: `generation` and all below. */
async function fireAllGenerations(executionId: string, generation: number): Promise<void> {
  for (let old = 0; old <= generation; old += 1) await sendStep(deps, { executionId, generation: old });
}

/** Sends the email and, while the server has it, does something else. */
async function whileAtServer(wake: PendingWake, meanwhile: () => Promise<unknown>): Promise<void> {
  const deliver: typeof transport.deliver = async (...message) => {
    const reply = await transport.deliver(...message);
    await meanwhile();
    return reply;
  };
  await sendStep({ ...deps, transport: { ...transport, deliver } }, wake);
}

describe("a pause", () => {
  test("of a sequence stops the clock: what was left to wait before is left to wait after it", async () => {
    const { sequenceId, enrollmentId, wake } = await enrolled();
    await clock.jumpTo(at(1));
    await operator.pauseSequence(sequenceId);
    await clock.jumpTo(at(10));
    await sendStep(deps, wake);
    expect(await executions(enrollmentId)).toMatchObject([{ status: "pending", hold_reason: "sequence_paused" }]);

    const [timer] = await operator.resumeSequence(sequenceId);

    expect(timer).toEqual({ executionId: wake.executionId, generation: 1, at: at(12) });
    expect(await executions(enrollmentId)).toMatchObject([
      { status: "scheduled", due_at: at(12), scheduled_for: at(12) },
    ]);
    expect(await eventKinds(wake.executionId)).toEqual(["held", "resumed"]);
    await clock.jumpTo(at(12));
    await fireAllGenerations(wake.executionId, 1);
    expect(smtp.bodies).toHaveLength(1);
  });

  test("that ends at once changes nothing but the generation", async () => {
    const { enrollmentId } = await enrolled();
    const before = await executions(enrollmentId);

    await operator.pause(enrollmentId);
    await operator.resume(enrollmentId);

    expect(await executions(enrollmentId)).toEqual(before.map((row) => ({ ...row, generation: 1 })));
  });

  test("does not end in a flood: what became due is spread over the minutes after the resume", async () => {
    const schedule = { ...BUSINESS_HOURS, timezone: "UTC", spreadMinutes: 30 };
    const { id: sequenceId } = await makeSequence(db, { schedule });
    await clock.jumpTo(at(0.125)); // 11:00
    for (let count = 0; count < 12; count += 1) await enrollIn(sequenceId);
    await operator.pauseSequence(sequenceId);
    await clock.jumpTo(at(1.125));

    const times = (await operator.resumeSequence(sequenceId)).map((timer) => timer.at.getTime() - at(1.125).getTime());

    expect(times).toHaveLength(12);
    expect(new Set(times).size).toBe(12);
    for (const time of times) expect(time).toBeLessThan(HOUR / 2);
  });

  test("ends with nobody expected on the dates of a daily limit: those who were sent on to them have other times now", async () => {
    const { sequenceId } = await enrolled();
    const booked = [`sequence:${sequenceId}`, "2026-03-05"];
    await db.query("insert into send_quota (scope, day, used, booked) values ($1, $2, 1, 7)", booked);
    await operator.pauseSequence(sequenceId);
    await operator.resumeSequence(sequenceId);

    const { rows } = await db.query("select used, booked from send_quota where scope = $1 and day = $2", booked);
    expect(rows).toEqual([{ used: 1, booked: 0 }]);
  });

  test("of several sequences does not end in several emails at once to one person: one now, the others a gap apart", async () => {
    const oneAtATime: SweepDeps = { ...deps, limits: { ...NO_LIMITS, overdueGapMinutes: 60 } };
    const contact = await makeContact(db);
    const schedule = { ...ALWAYS_OPEN, spreadMinutes: 5 };
    const sequences = await Promise.all([1, 2, 3].map(() => makeSequence(db, { steps: [{}], schedule })));
    const people = await Promise.all(sequences.map(({ id }) => enrollIn(id, contact)));
    await clock.jumpTo(new Date(start.getTime() + 1_000)); // due for a second: not late by itself
    for (const { id } of sequences) await operator.pauseSequence(id);
    await clock.jumpTo(at(2));
    const timers: PendingWake[] = [];
    for (const { id } of sequences) timers.push(...(await operator.resumeSequence(id)));
    const standing = async () => {
      const rows = await Promise.all(people.map(({ enrollmentId }) => executions(enrollmentId)));
      return rows.flat().map((row) => row.status);
    };
    const sendAllAt = async (minutes: number) => {
      await clock.jumpTo(new Date(at(2).getTime() + minutes * 60_000));
      for (const timer of timers) await sendStep(oneAtATime, timer);
    };

    await sendAllAt(5); // after the spread
    expect(await standing()).toEqual(["sent", "scheduled", "scheduled"]);
    const [, second] = people;
    expect(second && (await eventsOf(second.wake.executionId)).at(-1)).toMatchObject({
      kind: "deferred",
      reason: "one_overdue_at_a_time",
      message: expect.stringContaining("overdue emails go to one person one at a time"),
    });
    await sendAllAt(65);
    expect(await standing()).toEqual(["sent", "sent", "scheduled"]);
    await sendAllAt(125);
    expect(await standing()).toEqual(["sent", "sent", "sent"]);
    expect(smtp.bodies).toHaveLength(3);
  });

  test("while an email is at the mail server lets it finish; the next step opens without a timer and goes on later", async () => {
    const { enrollmentId, wake } = await enrolled({ steps: [{}, inThreeDays] });

    await whileAtServer(wake, () => operator.pause(enrollmentId));

    expect(smtp.bodies).toHaveLength(1);
    expect(woken).toEqual([]);
    expect(await executions(enrollmentId)).toMatchObject([
      { status: "sent" },
      { status: "pending", hold_reason: "enrollment_paused", due_at: at(3) },
    ]);
    await clock.jumpTo(at(5));
    expect(await operator.resume(enrollmentId)).toMatchObject([{ at: at(8) }]);
  });

  test("with a date ends by itself when a sweep finds that it has come, not before", async () => {
    const { enrollmentId, wake } = await enrolled();
    await clock.jumpTo(at(1));
    await operator.pause(enrollmentId, at(4));

    await clock.jumpTo(new Date(at(4).getTime() - 1));
    await sweepOnce(deps);
    expect(await enrollmentRow(enrollmentId)).toMatchObject({ status: "paused" });

    await clock.jumpTo(at(4));
    await sweepOnce(deps);
    expect(await enrollmentRow(enrollmentId)).toMatchObject({ status: "active", paused_at: null, resume_at: null });
    expect(woken).toEqual([{ executionId: wake.executionId, generation: 1, at: at(6) }]);
    expect((await enrollmentRow(enrollmentId)).notes).toMatch(/Paused until .*\n.*Resumed by sweep\.$/);
  });

  test("reaches also what a racing statement scheduled in spite of it", async () => {
    const { sequenceId, enrollmentId } = await enrolled();
    // As a statement that began before the pause was committed leaves it.
    await changeSequenceStatus(db, [sequenceId], "paused");

    expect(await sweepOnce(deps)).toMatchObject({ "resume-paused": 1 });

    expect(await executions(enrollmentId)).toMatchObject([{ status: "pending", hold_reason: "sequence_paused" }]);
  });
});

describe("a pause of the sequence and one of the enrollment that overlap count once, and both must end", () => {
  test.each([
    ["sequence", "enrollment", "sequence", "enrollment"],
    ["sequence", "enrollment", "enrollment", "sequence"],
    ["enrollment", "sequence", "sequence", "enrollment"],
    ["enrollment", "sequence", "enrollment", "sequence"],
  ] as const)("paused %s, %s; resumed %s, %s", async (pausedFirst, pausedSecond, resumedFirst, resumedSecond) => {
    const { sequenceId, enrollmentId, wake } = await enrolled();
    const pause = {
      sequence: () => operator.pauseSequence(sequenceId),
      enrollment: () => operator.pause(enrollmentId),
    };
    const resume = {
      sequence: () => operator.resumeSequence(sequenceId),
      enrollment: () => operator.resume(enrollmentId),
    };

    await clock.jumpTo(at(1));
    await pause[pausedFirst]();
    await clock.jumpTo(at(2));
    await pause[pausedSecond]();
    await clock.jumpTo(at(4));
    expect(await resume[resumedFirst]()).toEqual([]);
    expect(await executions(enrollmentId)).toMatchObject([
      { status: "pending", hold_reason: `${resumedSecond}_paused`, generation: 0 },
    ]);
    await sweepOnce(deps);
    await fireAllGenerations(wake.executionId, 0);
    expect(smtp.bodies).toEqual([]);

    await clock.jumpTo(at(6));
    const timers = await resume[resumedSecond]();

    // Two of the three days were left at the first pause; they begin again when the last one ends.
    expect(timers).toEqual([{ executionId: wake.executionId, generation: 1, at: at(8) }]);
    expect(await executions(enrollmentId)).toMatchObject([{ status: "scheduled", due_at: at(8) }]);
  });
});

describe("a resume", () => {
  test("twice at once releases once: one generation, one event", async () => {
    const { sequenceId, enrollmentId, wake } = await enrolled();
    await operator.pauseSequence(sequenceId);
    await clock.jumpTo(at(1));

    const both = await Promise.all([
      operator.resumeSequence(sequenceId),
      operator.resumeSequence(sequenceId),
      sweepOnce(deps).then(() => []),
    ]);

    expect([...both.flat(), ...woken]).toHaveLength(1);
    expect(await executions(enrollmentId)).toMatchObject([{ status: "scheduled", generation: 1 }]);
    expect(await eventKinds(wake.executionId)).toEqual(["held", "resumed"]);
    const { rows } = await db.query("select revision from email_sequence where id = $1", [sequenceId]);
    expect(rows[0].revision).toBe(3);
  });

  test("of a sequence that was cut off after its first statement is completed by a sweep", async () => {
    const { sequenceId, wake } = await enrolled();
    await operator.pauseSequence(sequenceId);
    await clock.jumpTo(at(2));
    await db.query("update email_sequence set status = 'active' where id = $1", [sequenceId]);

    expect(await sweepOnce(deps)).toMatchObject({ "resume-paused": 1 });

    expect(woken).toEqual([{ executionId: wake.executionId, generation: 1, at: at(5) }]);
    expect(await sweepOnce(deps)).toMatchObject({ "resume-paused": 0 });
  });

  test("of more people than one statement takes is completed by a sweep", async () => {
    const { sequenceId } = await enrolled();
    for (let others = 0; others < 2; others += 1) await enrollIn(sequenceId);
    await operator.pauseSequence(sequenceId);
    await clock.jumpTo(at(2));

    const first = await inTransaction(db, async (tx) => {
      await changeSequenceStatus(tx, [sequenceId], "active");
      return releaseAfterPause(tx, { sequenceIds: [sequenceId] }, by(), 2);
    });

    expect(first).toMatchObject({ wakes: [{ at: at(5) }, { at: at(5) }], isFull: true });
    expect(await sweepOnce(deps)).toMatchObject({ "resume-paused": 1 });
    expect(woken).toMatchObject([{ generation: 1, at: at(5) }]);
  });

  test("at the moment at which an email is recorded leaves nobody behind: a sweep finds the step that opened paused", async () => {
    const { sequenceId, enrollmentId, wake } = await enrolled({ steps: [{}, inThreeDays] });
    const worker = await db.connect();
    try {
      let recording: Promise<void> | undefined;
      await worker.query("begin");
      await whileAtServer(wake, async () => {
        await operator.pauseSequence(sequenceId);
        await worker.query("select from sequence_enrollment where id = $1 for update", [enrollmentId]);
        // The record reads that the sequence is paused, then waits for the enrollment; meanwhile the sequence goes on.
        recording = waitFor(() => isSomebodyWaiting(), { timeoutMilliseconds: 10_000, describe: "the record to wait" })
          .then(() => operator.resumeSequence(sequenceId))
          .then(async () => void (await worker.query("commit")));
      });
      await recording;
    } finally {
      worker.release();
    }
    expect(await executions(enrollmentId)).toMatchObject([
      { status: "sent" },
      { status: "pending", hold_reason: "sequence_paused" },
    ]);

    await sweepOnce(deps);

    expect(await executions(enrollmentId)).toMatchObject([
      { status: "sent" },
      { status: "scheduled", scheduled_for: at(3) },
    ]);
  });

  test("of an enrollment that was unenrolled to `paused` opens the step after the skipped one, counted from now", async () => {
    const { enrollmentId } = await enrolled({ steps: [{}, inThreeDays, {}] });
    await operator.unenroll(enrollmentId, "paused");
    await clock.jumpTo(at(2));

    const timers = await operator.resume(enrollmentId);

    expect(timers).toMatchObject([{ generation: 0, at: at(5) }]);
    expect(await executions(enrollmentId)).toMatchObject([
      { step: 1, status: "skipped" },
      { step: 2, status: "scheduled", due_at: at(5) },
    ]);
  });

  test("of one in which the last step was skipped completes it", async () => {
    const { enrollmentId } = await enrolled({ steps: [{}] });
    await operator.unenroll(enrollmentId, "paused");

    expect(await operator.resume(enrollmentId)).toEqual([]);

    expect(await enrollmentRow(enrollmentId)).toMatchObject({ status: "completed", end_reason: "completed" });
  });

  test("of one whose email failed leaves it to the operator who retries or skips it", async () => {
    const { enrollmentId, wake } = await enrolled();
    await db.query("update step_execution set status = 'failed' where id = $1", [wake.executionId]);
    await operator.pause(enrollmentId);

    expect(await operator.resume(enrollmentId)).toEqual([]);

    expect(await executions(enrollmentId)).toMatchObject([{ status: "failed" }]);
    expect(await enrollmentRow(enrollmentId)).toMatchObject({ status: "active" });
  });
});

test("archiving ends every live enrollment and skips what waits; what is at the mail server finishes, and opens nothing", async () => {
  const { sequenceId, enrollmentId: waiting } = await enrolled({ steps: [{}, {}] });
  const [sending, paused, ended] = [await enrollIn(sequenceId), await enrollIn(sequenceId), await enrollIn(sequenceId)];
  await operator.pause(paused.enrollmentId);
  await operator.unenroll(ended.enrollmentId, "cancelled");

  await whileAtServer(sending.wake, () => operator.archiveSequence(sequenceId));

  for (const id of [waiting, paused.enrollmentId]) {
    expect(await enrollmentRow(id)).toMatchObject({
      status: "cancelled",
      end_reason: "sequence_archived",
      ended_at: start,
    });
    expect(await executions(id)).toMatchObject([{ status: "skipped" }]);
  }
  expect(await enrollmentRow(sending.enrollmentId)).toMatchObject({
    status: "cancelled",
    end_reason: "sequence_archived",
  });
  expect(await executions(sending.enrollmentId)).toMatchObject([{ status: "sent" }]);
  expect(await enrollmentRow(ended.enrollmentId)).toMatchObject({ status: "cancelled", end_reason: "unenrolled" });
  expect(smtp.bodies).toHaveLength(1);
  expect(woken).toEqual([]);

  // Entry opens again; those whose enrollment ended stay out.
  expect(await operator.resumeSequence(sequenceId)).toEqual([]);
  expect(await enrollmentRow(waiting)).toMatchObject({ status: "cancelled" });
  await enrollIn(sequenceId);
});

test("10,000 waiting people go on by one statement, and the timers of before the pause send nothing", {
  timeout: 120_000,
}, async () => {
  const people = 10_000;
  const { sequenceId, enrollmentId } = await enrolled();
  await multiply(sequenceId, enrollmentId, people - 1);
  await operator.pauseSequence(sequenceId);
  await clock.jumpTo(at(2));

  const statements: string[] = [];
  const timers = await inTransaction(db, async (tx) => {
    const counted = {
      query: (query: { text: string } | string, ...rest: []) => {
        statements.push(typeof query === "string" ? query : query.text);
        return tx.query(query, ...rest);
      },
    } as unknown as Queryable;
    return wakesOf(await resumeSequence(counted, sequenceId, by()));
  });

  expect(timers).toHaveLength(people);
  expect(statements.filter((text) => /update step_execution[^;]*generation \+ 1/.test(text))).toHaveLength(1);
  expect(statements.length).toBeLessThan(10);
  const { rows } = await db.query(
    `select count(*)::int as rows, count(distinct due_at)::int as due, min(generation) as least, max(generation) as most
     from step_execution where status = 'scheduled'`,
  );
  expect(rows).toEqual([{ rows: people, due: 1, least: 1, most: 1 }]);

  await clock.jumpTo(at(5));
  for (const { executionId } of timers.slice(0, 20)) await sendStep(deps, { executionId, generation: 0 });
  expect(smtp.bodies).toHaveLength(0);
  for (const timer of timers.slice(0, 5)) await sendStep(deps, timer);
  for (const { executionId } of timers.slice(0, 5)) await fireAllGenerations(executionId, 1);
  expect(smtp.bodies).toHaveLength(5);
});

/** So many more people at the same place of the same sequence. */
async function multiply(sequenceId: string, enrollmentId: string, count: number): Promise<void> {
  const ids = (length: number) => Array.from({ length }, () => newId());
  await db.query(
    `with person as (
       insert into contact (id, email, first_name) select id, id || '@example.com', 'Ann' from unnest($3::uuid[]) as p(id) returning id
     ),
     numbered as (select id, row_number() over (order by id) as n from person),
     enrollment as (
       insert into sequence_enrollment (id, sequence_id, version_id, contact_id, status, enrolled_at)
       select e.id, $1, n.version_id, p.id, 'active', n.enrolled_at
       from sequence_enrollment n, numbered p join unnest($4::uuid[]) with ordinality as e(id, n) on e.n = p.n
       where n.id = $2 returning id
     )
     insert into step_execution (id, enrollment_id, step_id, step_key, step_number, status, counts_from, due_at, scheduled_for)
     select gen_random_uuid(), enrollment.id, x.step_id, x.step_key, 1, 'scheduled', x.counts_from, x.due_at, x.scheduled_for
     from enrollment, step_execution x where x.enrollment_id = $2`,
    [sequenceId, enrollmentId, ids(count), ids(count)],
  );
}

async function isSomebodyWaiting(): Promise<boolean> {
  const { rowCount } = await db.query(
    "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
  );
  return rowCount !== 0;
}
