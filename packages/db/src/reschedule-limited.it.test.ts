import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { describe, expect, test } from "vitest";
import { deferExecutions } from "./defer-executions.ts";
import { findLimited } from "./find-limited.ts";
import { forgetBookings } from "./forget-bookings.ts";
import { type Reschedule, rescheduleLimited } from "./reschedule-limited.ts";
import {
  insertExecution,
  type MadeExecution,
  readEvents,
  readExecution,
  statusesOtherThan,
} from "./testing/executions.ts";

const { pool: db } = await freshDatabase();
const yesterday = new Date("2026-03-01T10:00:00Z");
const now = new Date("2026-03-02T10:00:00Z");
const soon = new Date("2026-03-02T10:07:00Z");
const inAWeek = new Date("2026-03-09T00:00:00Z");
const by = { now, actor: "api_key:ann" };
const zone = { zone: "Asia/Bangkok", source: "contact" } as const;

/** Due yesterday and put off for a week. */
async function makeWaiting(values: Parameters<typeof insertExecution>[3] = {}): Promise<MadeExecution> {
  const [sequence, contact] = [await makeSequence(db), await makeContact(db, { timezone: "Asia/Bangkok" })];
  const times = { dueAt: yesterday, scheduledFor: inAWeek, rescuedAt: yesterday };
  return insertExecution(db, sequence, contact.id, { ...times, generation: 3, ...values });
}

function putOff({ executionId }: MadeExecution, reason = "sequence_daily_limit", at = yesterday) {
  const move = { executionId, generation: 3, at: inAWeek, reason, message: "Put off." };
  return deferExecutions(db, [move], { now: at, actor: "worker" });
}

function found({ executionId, enrollmentId, sequence }: MadeExecution) {
  return {
    executionId,
    generation: 3,
    enrollmentId,
    stepKey: sequence.stepIds[0] ?? "",
    dueAt: yesterday,
    scheduledFor: inAWeek,
    zones: { contact: "Asia/Bangkok", company: null },
  };
}

function planned(made: MadeExecution): Reschedule {
  return { wait: found(made), scheduledFor: soon, zone, message: "The limit was raised." };
}

describe("rescheduling", () => {
  test("gives a row a new time, a timer of a new generation, and a sentence; its due time and attempts stay", async () => {
    const waiting = await makeWaiting({ attemptCount: 1 });
    const before = await readExecution(db, waiting.executionId);

    expect(await rescheduleLimited(db, [planned(waiting)], by)).toEqual([
      { executionId: waiting.executionId, generation: 4, scheduledFor: soon },
    ]);

    expect(await readExecution(db, waiting.executionId)).toEqual({
      ...before,
      scheduledFor: soon,
      generation: 4,
      rescuedAt: null,
      timezone: "Asia/Bangkok",
      timezoneSource: "contact",
      updatedAt: expect.any(Date),
    });
    expect(await readEvents(db, waiting.executionId)).toEqual([
      { at: now, kind: "rescheduled", reason: "limit_changed", message: "The limit was raised.", actor: "api_key:ann" },
    ]);
  });

  test("twice moves a row once", async () => {
    const all = (await Promise.all(Array.from({ length: 20 }, () => makeWaiting()))).map(planned);

    const both = [await rescheduleLimited(db, all, by), await rescheduleLimited(db, all.toReversed(), by)];

    expect(both.map((moved) => moved.length)).toEqual([20, 0]);
    for (const { wait } of all) expect(await readEvents(db, wait.executionId)).toHaveLength(1);
  });

  test.each([
    ...statusesOtherThan("scheduled").map((status) => [status, { status }] as const),
    ["of another generation than was planned from", { generation: 4 }] as const,
  ])("leaves a row alone that is %s", async (_, values) => {
    const [first, refused, last] = [await makeWaiting(), await makeWaiting(values), await makeWaiting()];
    const before = await readExecution(db, refused.executionId);

    const moved = await rescheduleLimited(db, [first, refused, last].map(planned), by);

    expect(moved.map((row) => row.executionId).toSorted()).toEqual([first.executionId, last.executionId].toSorted());
    expect(await readExecution(db, refused.executionId)).toEqual(before);
    expect(await readEvents(db, refused.executionId)).toEqual([]);
  });
});

describe("who was put off for the sequence's daily limit", () => {
  const find = ({ sequence }: MadeExecution) => findLimited(db, sequence.id, now);

  test("is found, with what the next plan needs", async () => {
    const waiting = await makeWaiting();
    await putOff(waiting, "outside_window", new Date(yesterday.getTime() - 1));
    await putOff(waiting);
    expect(await find(waiting)).toEqual([found(waiting)]);
  });

  test.each(["outside_window", "sender_daily_limit", "contact_gap", "send_rate"])(
    "is not who was put off for another reason (%s) since",
    async (reason) => {
      const waiting = await makeWaiting();
      await putOff(waiting);
      await putOff(waiting, reason, now);
      expect(await find(waiting)).toEqual([]);
    },
  );

  test("is not who waits for a retry, has a time that has come, or was never put off", async () => {
    const [retry, ready, waiting] = [await makeWaiting(), await makeWaiting(), await makeWaiting()];
    await putOff(retry);
    await db.query(
      `insert into execution_event (id, execution_id, at, kind, reason, message, actor)
       values (gen_random_uuid(), $1, $2, 'retried', 'transient', 'Again later.', 'worker')`,
      [retry.executionId, now],
    );
    await putOff(ready);
    await db.query("update step_execution set scheduled_for = $2 where id = $1", [ready.executionId, now]);
    for (const one of [retry, ready, waiting]) expect(await find(one)).toEqual([]);
  });

  test.each(statusesOtherThan("scheduled"))("is not who is %s by now", async (status) => {
    const waiting = await makeWaiting();
    await putOff(waiting);
    const values = {
      pending: "hold_reason = 'sequence_paused', held_at = now()",
      sending: "phase = 'claimed', lease_until = now() + interval '5 minutes'",
    };
    const needs = status in values ? `, ${values[status as keyof typeof values]}` : "";
    await db.query(`update step_execution set status = $2${needs} where id = $1`, [waiting.executionId, status]);
    expect(await find(waiting)).toEqual([]);
  });
});

test("bookings are forgotten of one scope alone, and what was sent still counts", async () => {
  await db.query(
    `insert into send_quota (scope, day, used, booked)
     values ('sequence:a', '2026-03-02', 5, 0), ('sequence:a', '2026-03-03', 2, 5), ('sequence:b', '2026-03-03', 0, 5)`,
  );
  await forgetBookings(db, ["sequence:a"]);
  const { rows } = await db.query("select scope, used, booked from send_quota order by scope, day");
  expect(rows).toEqual([
    { scope: "sequence:a", used: 5, booked: 0 },
    { scope: "sequence:a", used: 2, booked: 0 },
    { scope: "sequence:b", used: 0, booked: 5 },
  ]);
});
