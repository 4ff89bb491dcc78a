import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { beforeEach, expect, test } from "vitest";
import { countWaiting, findWaiting, findWaitingText, positionAt } from "./find-waiting.ts";
import { insertExecution, type MadeExecution, statusesOtherThan } from "./testing/executions.ts";

const { pool: db } = await freshDatabase();
const start = new Date("2026-03-02T20:00:00Z");

beforeEach(() => db.query("truncate execution_event, step_execution, sequence_enrollment cascade"));

function secondsAfter(seconds: number): Date {
  return new Date(start.getTime() + seconds * 1_000);
}

async function makeWaiting(seconds: number, values: Parameters<typeof insertExecution>[3] = {}) {
  const contact = await makeContact(db);
  const made = await insertExecution(db, await makeSequence(db), contact.id, {
    scheduledFor: secondsAfter(seconds),
    ...values,
  });
  return { ...made, scheduledFor: secondsAfter(seconds) };
}

test("what is scheduled comes in the order of its time, from the position on and before the end, with all that a wake-up needs", async () => {
  await makeWaiting(-1);
  const second = await makeWaiting(5);
  const first = await makeWaiting(0, { generation: 3 });
  await makeWaiting(10);

  expect(await findWaiting(db, { after: positionAt(start), until: secondsAfter(10), limit: 10 })).toEqual([
    { executionId: first.executionId, generation: 3, scheduledFor: first.scheduledFor },
    { executionId: second.executionId, generation: 0, scheduledFor: second.scheduledFor },
  ]);
  expect(await countWaiting(db, secondsAfter(10))).toBe(3);
});

test("a walk in steps meets each row once, also where many are scheduled for the same moment", async () => {
  const made: MadeExecution[] = [];
  for (let i = 0; i < 7; i += 1) made.push(await makeWaiting(i < 5 ? 1 : i));
  const met: string[] = [];
  for (let after = positionAt(start); ; ) {
    const rows = await findWaiting(db, { after, until: secondsAfter(60), limit: 2 });
    met.push(...rows.map((row) => row.executionId));
    const last = rows.at(-1);
    if (last === undefined) break;
    after = last;
  }
  expect(met).toHaveLength(7);
  expect(new Set(met)).toEqual(new Set(made.map((one) => one.executionId)));
});

test("nothing but a scheduled execution waits", async () => {
  for (const status of statusesOtherThan("scheduled")) await makeWaiting(1, { status });
  expect(await findWaiting(db, { after: positionAt(start), until: secondsAfter(60), limit: 10 })).toEqual([]);
});

test("among 200,000 rows a step of the walk reads the index of due times, and not the table", async () => {
  const { enrollmentId, executionId } = await makeWaiting(0);
  // More columns than these play no part; the index and the statistics are those of a large installation.
  await db.query(
    `insert into step_execution (id, enrollment_id, step_id, step_key, step_number, status, counts_from, due_at, scheduled_for)
     select gen_random_uuid(), $1, e.step_id, gen_random_uuid(), 1, case when i % 4 = 0 then 'scheduled' else 'sent' end,
            e.counts_from, e.due_at, e.scheduled_for + i * interval '20 s'
     from step_execution e, generate_series(1, 200000) i where e.id = $2`,
    [enrollmentId, executionId],
  );
  await db.query("analyze step_execution");
  const values = [secondsAfter(2_000_000), executionId, secondsAfter(3_000_000), 1_000];

  const { rows } = await db.query(`explain (analyze, format json) ${findWaitingText}`, values);

  const plan = JSON.stringify(rows[0]);
  expect(plan).toMatch(/"Index Name":"step_execution_(due|scheduled)_idx"/);
  expect(plan).not.toContain("Seq Scan");
  const { "Actual Rows": read } = scanOf(rows[0]["QUERY PLAN"][0].Plan);
  expect(read).toBeLessThan(1_100);
});

interface Node {
  readonly "Node Type": string;
  readonly "Actual Rows": number;
  readonly Plans?: readonly Node[];
}

function scanOf(node: Node): Node {
  const [child] = node.Plans ?? [];
  return child === undefined ? node : scanOf(child);
}
