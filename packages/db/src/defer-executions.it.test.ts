import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { expect, test } from "vitest";
import { deferExecutions } from "./defer-executions.ts";
import {
  insertExecution,
  type MadeExecution,
  readEvents,
  readExecution,
  statusesOtherThan,
} from "./testing/executions.ts";

const { pool: db } = await freshDatabase();
const now = new Date("2026-03-02T20:00:00Z");
const by = { now, actor: "worker" };
const opening = new Date("2026-03-03T02:00:00Z");

async function makeScheduled(values: Parameters<typeof insertExecution>[3] = {}): Promise<MadeExecution> {
  const contact = await makeContact(db);
  return insertExecution(db, await makeSequence(db), contact.id, { generation: 3, ...values });
}

function move({ executionId }: MadeExecution, at = opening) {
  return { executionId, generation: 3, at, reason: "outside_window", message: `Closed until ${at.toISOString()}.` };
}

/** Defers `refused` between two that are fine: the answer names those two, and `refused` stays as it was, silently. */
async function expectOnlyOthersAreDeferred(refused: MadeExecution): Promise<void> {
  const [first, last] = [await makeScheduled(), await makeScheduled()];
  const before = await readExecution(db, refused.executionId);

  const moved = await deferExecutions(db, [move(first), move(refused), move(last)], by);

  expect(moved.toSorted()).toEqual([first.executionId, last.executionId].toSorted());
  expect(await readExecution(db, refused.executionId)).toEqual(before);
  expect(await readEvents(db, refused.executionId)).toEqual([]);
}

test("a deferral moves the time and nothing else: same generation, no attempt counted", async () => {
  const due = await makeScheduled({ attemptCount: 1 });
  const before = await readExecution(db, due.executionId);

  expect(await deferExecutions(db, [move(due)], by)).toEqual([due.executionId]);

  expect(await readExecution(db, due.executionId)).toEqual({
    ...before,
    scheduledFor: opening,
    updatedAt: expect.any(Date),
  });
});

test("each execution gets its own time and its own sentence", async () => {
  const later = new Date("2026-03-04T02:00:00Z");
  const [first, second] = [await makeScheduled(), await makeScheduled()];

  await deferExecutions(db, [move(first), move(second, later)], by);

  expect((await readExecution(db, first.executionId)).scheduledFor).toEqual(opening);
  expect((await readExecution(db, second.executionId)).scheduledFor).toEqual(later);
  expect(await readEvents(db, second.executionId)).toEqual([
    { at: now, kind: "deferred", reason: "outside_window", message: move(second, later).message, actor: "worker" },
  ]);
});

test.each(statusesOtherThan("scheduled"))("an execution that is %s is not deferred", async (status) => {
  await expectOnlyOthersAreDeferred(await makeScheduled({ status }));
});

test("a wake-up of an older generation defers nothing", async () => {
  await expectOnlyOthersAreDeferred(await makeScheduled({ generation: 4 }));
});
