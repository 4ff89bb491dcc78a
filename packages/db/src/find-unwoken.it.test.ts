import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { beforeEach, expect, test } from "vitest";
import { inTransaction } from "./database.ts";
import { findOverdue, findUnwoken } from "./find-unwoken.ts";
import { insertExecution, type MadeExecution, readExecution, statusesOtherThan } from "./testing/executions.ts";

const { pool: db } = await freshDatabase();
const options = { graceSeconds: 60, quietSeconds: 600, limit: 10 };

// What is found depends on every row there is.
beforeEach(() => db.query("truncate execution_event, step_execution, sequence_enrollment cascade"));

function secondsAgo(seconds: number): Date {
  return new Date(Date.now() - seconds * 1_000);
}

/** An execution that has been due for so long. */
async function makeDue(
  seconds: number,
  values: Parameters<typeof insertExecution>[3] = {},
): Promise<MadeExecution & { readonly scheduledFor: Date }> {
  const contact = await makeContact(db);
  const scheduledFor = secondsAgo(seconds);
  const made = await insertExecution(db, await makeSequence(db), contact.id, { scheduledFor, ...values });
  return { ...made, scheduledFor };
}

/** A sweep on a connection of its own, which fails if it has to wait for a row that somebody holds. */
function findWithoutWaiting() {
  return inTransaction(db, async (tx) => {
    await tx.query("set local lock_timeout = '1s'");
    return findUnwoken(tx, options);
  });
}

function idsOf(rows: readonly { readonly executionId: string }[]): string[] {
  return rows.map((row) => row.executionId).toSorted();
}

test("what is due for longer than the grace period is found, with all that a new wake-up needs", async () => {
  const due = await makeDue(90, { generation: 4 });
  await makeDue(30);
  await makeDue(-60);

  expect(await findUnwoken(db, options)).toEqual([
    { executionId: due.executionId, generation: 4, scheduledFor: due.scheduledFor, wasRescued: false },
  ]);
});

test("nothing but a scheduled execution needs to be woken", async () => {
  for (const status of statusesOtherThan("scheduled")) await makeDue(90, { status });

  expect(await findUnwoken(db, options)).toEqual([]);
});

test("what is found is marked by the database's clock, and the next sweep leaves it alone", async () => {
  const due = await makeDue(90);
  await findUnwoken(db, options);

  expect(await findUnwoken(db, options)).toEqual([]);

  const { rescuedAt } = await readExecution(db, due.executionId);
  const { rows } = await db.query("select clock_timestamp() - $1::timestamptz between '0 s' and '30 s' as is_now", [
    rescuedAt,
  ]);
  expect(rows[0].is_now).toBe(true);
});

test("what was woken before the quiet period is found again, and known to have been woken", async () => {
  const again = await makeDue(2_000, { rescuedAt: secondsAgo(700) });
  await makeDue(2_000, { rescuedAt: secondsAgo(500) });

  expect(await findUnwoken(db, options)).toMatchObject([{ executionId: again.executionId, wasRescued: true }]);
});

test("no more are found than asked for: those due for longest, and only they are marked", async () => {
  const young = await makeDue(100);
  const [oldest, old] = [await makeDue(300), await makeDue(200)];

  expect(idsOf(await findUnwoken(db, { ...options, limit: 2 }))).toEqual(idsOf([oldest, old]));

  expect((await readExecution(db, young.executionId)).rescuedAt).toBeNull();
});

test("two sweeps at once get different executions, and neither waits for the other", async () => {
  const [old, young] = [await makeDue(200), await makeDue(100)];

  const [first, second] = await inTransaction(db, async (tx) => [
    await findUnwoken(tx, { ...options, limit: 1 }),
    await findWithoutWaiting(),
  ]);

  expect(idsOf(first ?? [])).toEqual([old.executionId]);
  expect(idsOf(second ?? [])).toEqual([young.executionId]);
});

test("an execution that a worker is just claiming is not found", async () => {
  const due = await makeDue(200);

  const found = await inTransaction(db, async (tx) => {
    await tx.query("update step_execution set updated_at = now() where id = $1", [due.executionId]);
    return findWithoutWaiting();
  });

  expect(found).toEqual([]);
});

test("overdue is what was woken longer ago than the grace period and is still due, oldest first, unmarked", async () => {
  const rescuedAt = secondsAgo(90);
  const young = await makeDue(100, { rescuedAt, generation: 4 });
  const old = await makeDue(200, { rescuedAt });
  await makeDue(300);
  await makeDue(300, { rescuedAt: secondsAgo(30) });
  await makeDue(-60, { rescuedAt });

  expect(await findOverdue(db, { graceSeconds: 60, limit: 10 })).toEqual([
    { executionId: old.executionId, generation: 0, scheduledFor: old.scheduledFor },
    { executionId: young.executionId, generation: 4, scheduledFor: young.scheduledFor },
  ]);
  expect((await readExecution(db, old.executionId)).rescuedAt).toEqual(rescuedAt);
});

test("nothing but a scheduled execution is overdue", async () => {
  for (const status of statusesOtherThan("scheduled")) await makeDue(200, { status, rescuedAt: secondsAgo(90) });

  expect(await findOverdue(db, { graceSeconds: 60, limit: 10 })).toEqual([]);
});

test("no more are overdue than asked for", async () => {
  for (const seconds of [100, 300, 200]) await makeDue(seconds, { rescuedAt: secondsAgo(90) });

  expect(await findOverdue(db, { graceSeconds: 60, limit: 2 })).toHaveLength(2);
});
