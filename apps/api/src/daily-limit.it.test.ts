import { bookSendDay } from "@dripline/db/book-later-place";
import { deferExecutions } from "@dripline/db/defer-executions";
import { sequenceScope } from "@dripline/db/send-scopes";
import { ALWAYS_OPEN } from "@dripline/domain/schedule";
import { freshDatabase } from "@dripline/testkit/database";
import { expect, test } from "vitest";
import { makers } from "./testing/make.ts";
import { startApi, testNow } from "./testing/start-api.ts";

const { url } = await freshDatabase();
const api = await startApi(url);
const make = makers(api);
const windows = [1, 2, 3, 4, 5, 6, 7].map((weekday) => ({ weekday, start: "00:00", end: "24:00" }));
const spreadMinutes = 30;
const today = testNow.toISOString().slice(0, 10);

/** A sequence that may send one email a day, and people who were put off for that, each to the date that was booked. */
async function limited(people: number) {
  const schedule = await make.schedule({ windows, spread_minutes: spreadMinutes });
  const { id: sequenceId } = await make.sequence([0], { schedule: schedule.id, sends_per_day_max: 1 });
  const executionIds: string[] = [];
  for (let i = 0; i < people; i += 1) {
    const contact = await make.contact();
    const { step_executions } = await make.enroll({ sequence_id: sequenceId, contact_id: contact.id });
    const executionId: string = step_executions[0].id;
    executionIds.push(executionId);
    const scope = sequenceScope(sequenceId);
    const day = await bookSendDay(api.database, { scope, schedule: ALWAYS_OPEN, after: today, max: 1 });
    const move = { executionId, generation: 0, reason: "sequence_daily_limit", message: "The limit is reached." };
    await deferExecutions(api.database, [{ ...move, at: new Date(day) }], { now: testNow, actor: "worker" });
  }
  return { sequenceId: sequenceId as string, executionIds };
}

const patch = (sequenceId: string, body: object) =>
  api.send("PATCH", `/api/v1/email-sequences/${sequenceId}/`, { body });

async function executions(sequenceId: string) {
  const { rows } = await api.database.query(
    `select e.id, e.generation, e.status, e.due_at, e.scheduled_for from step_execution e
     join sequence_enrollment n on n.id = e.enrollment_id where n.sequence_id = $1 order by e.id`,
    [sequenceId],
  );
  return rows;
}

async function booked(sequenceId: string): Promise<number> {
  const { rows } = await api.database.query(
    "select coalesce(sum(booked), 0)::int as booked from send_quota where scope = $1",
    [sequenceScope(sequenceId)],
  );
  return rows[0].booked;
}

test.each([
  [5, "was raised from 1 to 5 emails a day"],
  [null, "of 1 emails a day was removed"],
])(
  "a daily limit that is changed from 1 to %s lets those go on whom it had put off, spread, with a timer and a sentence",
  async (to, sentence) => {
    const { sequenceId, executionIds } = await limited(10);
    expect(await booked(sequenceId)).toBe(7);

    expect((await patch(sequenceId, { sends_per_day_max: to })).body).toMatchObject({ sends_per_day_max: to });

    const rows = await executions(sequenceId);
    expect(rows.map((row) => [row.status, row.generation])).toEqual(executionIds.map(() => ["scheduled", 1]));
    const after = rows.map((row) => row.scheduled_for.getTime() - testNow.getTime());
    expect(Math.min(...after)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...after)).toBeLessThan(spreadMinutes * 60_000);
    expect(new Set(after).size).toBe(10);
    expect(await booked(sequenceId)).toBe(0);

    const [first] = rows;
    const { rows: events } = await api.database.query(
      "select kind, reason, message, actor from execution_event where execution_id = $1 order by at, id",
      [first.id],
    );
    expect(events).toMatchObject([
      { kind: "deferred" },
      {
        kind: "rescheduled",
        reason: "limit_changed",
        message: expect.stringContaining(
          `The sequence's limit ${sentence}: planned for ${first.scheduled_for.toISOString()}`,
        ),
      },
    ]);
    expect(await api.queue.bullQueue().getJob(`x${first.id}-1`)).toMatchObject({
      data: { executionId: first.id, generation: 1 },
    });
  },
);

test.each([
  ["lowered", 1, { sends_per_day_max: 1 }],
  ["set where there was none", null, { sends_per_day_max: 1 }],
  ["kept", 2, { sends_per_day_max: 2 }],
  ["not named", 2, { description: "Another" }],
])("a daily limit that is %s leaves everybody their time", async (what, from, change) => {
  const { sequenceId } = await limited(2);
  const before = what === "lowered" ? 2 : from;
  await api.database.query("update email_sequence set sends_per_day_max = $2 where id = $1", [sequenceId, before]);
  const rows = await executions(sequenceId);

  expect((await patch(sequenceId, change)).status).toBe(200);

  expect(await executions(sequenceId)).toEqual(rows);
  expect(await booked(sequenceId)).toBe(2);
});

test("a daily limit that is removed gives nobody a later time, or one before they are due", async () => {
  const { sequenceId, executionIds } = await limited(2);
  const [near, notDue] = executionIds;
  const [inASecond, tomorrow, nextWeek] = [1_000, 86_400_000, 604_800_000].map(
    (ms) => new Date(testNow.getTime() + ms),
  );
  await api.database.query("update step_execution set scheduled_for = $2 where id = $1", [near, inASecond]);
  await api.database.query("update step_execution set due_at = $2, scheduled_for = $3 where id = $1", [
    notDue,
    tomorrow,
    nextWeek,
  ]);

  await patch(sequenceId, { sends_per_day_max: null });

  const [first, second] = await executions(sequenceId);
  expect(first).toMatchObject({ generation: 0, scheduled_for: inASecond });
  expect(second.generation).toBe(1);
  expect(second.scheduled_for >= (tomorrow ?? 0)).toBe(true);
});
