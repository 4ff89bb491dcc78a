import { insertExecution, readExecution } from "@dripline/db/testing/executions";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { expect, test } from "vitest";
import { makeSweepDeps } from "../testing/sweep-deps.ts";
import { wakeUnwoken } from "./wake-unwoken.ts";

const { pool: db } = await freshDatabase();
const { deps, woken, queue } = makeSweepDeps(db, { now: () => new Date() });

/** Due for a minute. */
async function makeDue(): Promise<string> {
  const contact = await makeContact(db);
  return (await insertExecution(db, await makeSequence(db), contact.id)).executionId;
}

test("while the queue is down no row is taken for woken, so that all are found as soon as it is back", async () => {
  const executionId = await makeDue();
  queue.isDown = true;
  await expect(wakeUnwoken.runOnce(deps)).rejects.toThrow(/cannot be reached/);
  expect(await readExecution(db, executionId)).toMatchObject({ rescuedAt: null });

  queue.isDown = false;
  expect(await wakeUnwoken.runOnce(deps)).toBe(1);
  expect(woken.map((wake) => wake.executionId)).toEqual([executionId]);
});

test("two workers at once wake each row once", async () => {
  const ids = await Promise.all(Array.from({ length: 20 }, makeDue));
  woken.length = 0;
  await Promise.all([wakeUnwoken.runOnce(deps), wakeUnwoken.runOnce(deps)]);
  expect(woken.map((wake) => wake.executionId).toSorted()).toEqual(ids.toSorted());
});
