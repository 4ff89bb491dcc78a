import { setSweepCursor } from "@dripline/db/sweep-cursor";
import { insertExecution } from "@dripline/db/testing/executions";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { fixClock } from "@dripline/testkit/fixed-clock";
import { beforeEach, expect, test } from "vitest";
import { makeSweepDeps } from "../testing/sweep-deps.ts";
import { promoteDistant } from "./promote-distant.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const start = new Date("2031-05-05T08:00:00.000Z");
const after = (milliseconds: number) => new Date(start.getTime() + milliseconds);

const { url, pool: db } = await freshDatabase();
const clock = await fixClock(url, start);
const { deps, woken, queue } = makeSweepDeps(db, { now: clock.now });

beforeEach(async () => {
  await clock.jumpTo(start);
  await db.query("truncate sweep_cursor, execution_event, step_execution, sequence_enrollment cascade");
  woken.length = 0;
  queue.isDown = false;
});

async function makeWaiting(scheduledFor: Date): Promise<string> {
  const contact = await makeContact(db);
  return (await insertExecution(db, await makeSequence(db), contact.id, { scheduledFor })).executionId;
}

/** Many rows at once, by SQL: `moment` is an expression over the row's number i. */
async function makeMany(count: number, moment: string): Promise<void> {
  const id = await makeWaiting(after(60 * DAY));
  await db.query(
    `insert into step_execution (id, enrollment_id, step_id, step_key, step_number, status, counts_from, due_at, scheduled_for)
     select gen_random_uuid(), e.enrollment_id, e.step_id, gen_random_uuid(), 1, 'scheduled', e.counts_from, e.due_at, ${moment}
     from step_execution e, generate_series(1, $2::int) i where e.id = $1`,
    [id, count],
  );
}

const wokenIds = () => woken.map((wake) => wake.executionId);

test("a row that was too far away gets its timer when it comes within thirty days, for its own time", async () => {
  const scheduledFor = after(30 * DAY + 10 * MINUTE);
  const executionId = await makeWaiting(scheduledFor);
  await promoteDistant.runOnce(deps);
  await clock.jumpTo(after(9 * MINUTE));
  await promoteDistant.runOnce(deps);
  expect(woken).toEqual([]);

  await clock.jumpTo(after(11 * MINUTE));
  expect(await promoteDistant.runOnce(deps)).toBe(1);
  expect(woken).toEqual([{ executionId, generation: 0, at: scheduledFor }]);
});

test("the first run ever starts from now: what is overdue is found by another sweep", async () => {
  await makeWaiting(after(-MINUTE));
  const soon = await makeWaiting(after(MINUTE));
  await promoteDistant.runOnce(deps);
  expect(wokenIds()).toEqual([soon]);
});

test("a row that a producer with a late clock took for distant, just behind the horizon, is found", async () => {
  await promoteDistant.runOnce(deps);
  const late = await makeWaiting(after(30 * DAY - 4 * MINUTE));
  await clock.jumpTo(after(MINUTE));
  await promoteDistant.runOnce(deps);
  expect(wokenIds()).toEqual([late]);
});

test("what was walked is not walked again", async () => {
  await makeWaiting(after(DAY));
  await promoteDistant.runOnce(deps);
  await clock.jumpTo(after(MINUTE));
  expect(await promoteDistant.runOnce(deps)).toBe(0);
});

test("after workers were away for days, everything that came near meanwhile is found", async () => {
  await promoteDistant.runOnce(deps);
  const executionId = await makeWaiting(after(31 * DAY));
  await clock.jumpTo(after(3 * DAY));
  await promoteDistant.runOnce(deps);
  expect(wokenIds()).toEqual([executionId]);
});

test("while the queue is down nothing is passed over: the next run begins where the queue took the last timers", async () => {
  await makeMany(2_500, `'${start.toISOString()}'::timestamptz + i * interval '1 minute'`);
  const { wake } = deps.queue;
  const goingDown = {
    ...deps.queue,
    async wake(...args: Parameters<typeof wake>) {
      await wake(...args);
      queue.isDown = true;
    },
  };
  await expect(promoteDistant.runOnce({ ...deps, queue: goingDown })).rejects.toThrow(/cannot be reached/);
  expect(woken).toHaveLength(1_000);

  queue.isDown = false;
  expect(await promoteDistant.runOnce(deps)).toBe(1_501);
  expect(new Set(wokenIds()).size).toBe(2_500);
});

test("a long first run stops after a while and goes on at the next, also where everybody is due at one moment", async () => {
  const moment = after(DAY).toISOString();
  await makeMany(25_000, `'${moment}'::timestamptz`);
  await makeMany(3_000, `'${moment}'::timestamptz + interval '1 hour' + i * interval '1 second'`);
  await setSweepCursor(db, "promote-distant", after(DAY));
  expect(await promoteDistant.runOnce(deps)).toBeGreaterThanOrEqual(25_000);
  await promoteDistant.runOnce(deps);
  expect(new Set(wokenIds()).size).toBe(28_000);
}, 60_000);

test("two workers at once queue every row, and take the cursor nowhere wrong", async () => {
  await makeMany(1_500, `'${start.toISOString()}'::timestamptz + i * interval '1 minute'`);
  await Promise.all([promoteDistant.runOnce(deps), promoteDistant.runOnce(deps)]);
  expect(new Set(wokenIds()).size).toBe(1_500);
  expect(await promoteDistant.runOnce(deps)).toBe(0);
});
