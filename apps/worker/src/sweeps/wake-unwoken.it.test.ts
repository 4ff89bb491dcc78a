import { insertExecution, readExecution } from "@dripline/db/testing/executions";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { describe, expect, test } from "vitest";
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

describe("a row that was woken ten minutes ago and is due even now", () => {
  const tenMinutes = "update step_execution set rescued_at = now() - interval '601 s' where id = $1";

  /** Answers under which further name it was woken, per wake. */
  async function namesOf(executionId: string, waiting: number): Promise<(string | undefined)[]> {
    const names: (string | undefined)[] = [];
    const watched = {
      ...deps.queue,
      counts: async () => ({ waiting }),
      wake: async (...[wakes, options]: Parameters<typeof deps.queue.wake>) => {
        if (wakes.some((wake) => wake.executionId === executionId)) names.push(options?.rescue);
      },
    };
    await wakeUnwoken.runOnce({ ...deps, queue: watched });
    return names;
  }

  test("gets another timer under another name, so that a stuck one cannot block it; once in ten minutes", async () => {
    const executionId = await makeDue();
    await wakeUnwoken.runOnce(deps);
    await db.query(tenMinutes, [executionId]);
    expect(await namesOf(executionId, 0)).toEqual([expect.stringMatching(/^\d+$/)]);
    expect(await namesOf(executionId, 0)).toEqual([]);
  });

  test("waits its turn while the queue is long", async () => {
    const executionId = await makeDue();
    await wakeUnwoken.runOnce(deps);
    await db.query(tenMinutes, [executionId]);
    expect(await namesOf(executionId, 5_000)).toEqual([]);
  });
});
