import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { expect, test } from "vitest";
import {
  insertExecution,
  type MadeExecution,
  readEvents,
  readExecution,
  statusesOtherThan,
} from "./testing/executions.ts";
import { countDataLosses, countUnclaimedLosses, readWorkerLosses } from "./worker-losses.ts";

const { pool: db } = await freshDatabase();
const now = new Date("2026-03-02T20:00:00Z");
const by = { now, actor: "worker" };

async function make(values: Parameters<typeof insertExecution>[3] = {}): Promise<MadeExecution> {
  const contact = await makeContact(db);
  return insertExecution(db, await makeSequence(db), contact.id, { generation: 2, ...values });
}

function wake({ executionId }: MadeExecution) {
  return { executionId, generation: 2 };
}

async function expectOnlyOthersAreCounted(refused: MadeExecution): Promise<void> {
  const [first, last] = [await make(), await make()];
  const before = await readExecution(db, refused.executionId);

  const counted = await countUnclaimedLosses(db, [wake(first), wake(refused), wake(last)], by);

  expect(counted.map((one) => one.executionId).toSorted()).toEqual([first.executionId, last.executionId].toSorted());
  expect(await readExecution(db, refused.executionId)).toEqual(before);
  expect(await readEvents(db, refused.executionId)).toEqual([]);
}

test("a worker that died before the claim is counted, and the email stays scheduled, with a sentence", async () => {
  const lost = await make({ workerLosses: 2 });
  const before = await readExecution(db, lost.executionId);

  expect(await countUnclaimedLosses(db, [wake(lost)], by)).toEqual([
    { executionId: lost.executionId, workerLosses: 3, kind: "counted" },
  ]);

  expect(await readExecution(db, lost.executionId)).toEqual({
    ...before,
    workerLosses: 3,
    updatedAt: expect.any(Date),
  });
  expect(await readEvents(db, lost.executionId)).toEqual([
    { at: now, kind: "rescued", reason: "worker_lost", message: expect.stringMatching(/3 of 5/), actor: "worker" },
  ]);
});

test("the fifth death fails it, and says what to do", async () => {
  const lost = await make({ workerLosses: 4 });

  expect(await countUnclaimedLosses(db, [wake(lost)], by)).toEqual([
    { executionId: lost.executionId, workerLosses: 5, kind: "failed" },
  ]);

  expect(await readExecution(db, lost.executionId)).toMatchObject({
    status: "failed",
    generation: 2,
    errorMessage: expect.stringMatching(/5 workers died .* retry/),
  });
  expect(await readEvents(db, lost.executionId)).toMatchObject([{ kind: "failed", reason: "worker_lost_repeatedly" }]);
});

test("a death that the end of a lease has counted is not counted again: its generation is over", async () => {
  await expectOnlyOthersAreCounted(await make({ generation: 4, workerLosses: 1 }));
});

test.each(statusesOtherThan("scheduled"))("an execution that is %s is not counted", async (status) => {
  await expectOnlyOthersAreCounted(await make({ status }));
});

test("a death after the first body byte is counted, whatever became of the row", async () => {
  const lost = await make({ status: "in_doubt" });
  expect(await readWorkerLosses(db, lost.executionId)).toBe(0);

  await countDataLosses(db, [lost.executionId]);

  expect(await readWorkerLosses(db, lost.executionId)).toBe(1);
  expect(await readExecution(db, lost.executionId)).toMatchObject({ status: "in_doubt", workerLosses: 1 });
});
