import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { expect, test } from "vitest";
import { holdExecutions } from "./hold-executions.ts";
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

async function makeScheduled(values: Parameters<typeof insertExecution>[3] = {}): Promise<MadeExecution> {
  const contact = await makeContact(db);
  return insertExecution(db, await makeSequence(db), contact.id, { generation: 3, ...values });
}

function move({ executionId }: MadeExecution) {
  return { executionId, generation: 3, reason: "sequence_paused", message: "The sequence is paused." };
}

/** Holds `refused` between two that are fine: the answer names those two, and `refused` stays as it was, silently. */
async function expectOnlyOthersAreHeld(refused: MadeExecution): Promise<void> {
  const [first, last] = [await makeScheduled(), await makeScheduled()];
  const before = await readExecution(db, refused.executionId);

  const moved = await holdExecutions(db, [move(first), move(refused), move(last)], by);

  expect(moved.toSorted()).toEqual([first.executionId, last.executionId].toSorted());
  expect(await readExecution(db, refused.executionId)).toEqual(before);
  expect(await readEvents(db, refused.executionId)).toEqual([]);
}

test("a held execution says why, in the row and in an event, and keeps its generation and time", async () => {
  const due = await makeScheduled();
  const before = await readExecution(db, due.executionId);

  expect(await holdExecutions(db, [move(due)], by)).toEqual([due.executionId]);

  expect(await readExecution(db, due.executionId)).toEqual({
    ...before,
    status: "pending",
    heldAt: by.now,
    holdReason: "sequence_paused",
    errorMessage: "The sequence is paused.",
    updatedAt: expect.any(Date),
  });
  expect(await readEvents(db, due.executionId)).toEqual([
    { at: now, kind: "held", reason: "sequence_paused", message: "The sequence is paused.", actor: "worker" },
  ]);
});

test.each(statusesOtherThan("scheduled"))("an execution that is %s is not held", async (status) => {
  await expectOnlyOthersAreHeld(await makeScheduled({ status }));
});

test("a wake-up of an older generation holds nothing", async () => {
  await expectOnlyOthersAreHeld(await makeScheduled({ generation: 4 }));
});
