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

async function makeScheduled(
  values: Parameters<typeof insertExecution>[3] = {},
  enrollment: Parameters<typeof insertExecution>[4] = {},
): Promise<MadeExecution> {
  const [sequence, contact] = [await makeSequence(db, { status: "paused" }), await makeContact(db)];
  return insertExecution(db, sequence, contact.id, { generation: 3, ...values }, enrollment);
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

test("what was paused and goes on again meanwhile is not held: no resume would ever release it", async () => {
  const [ofSequence, ofEnrollment] = [await makeScheduled(), await makeScheduled()];
  await db.query("update email_sequence set status = 'active' where id = $1", [ofSequence.sequence.id]);
  const moves = [move(ofSequence), { ...move(ofEnrollment), reason: "enrollment_paused" }];

  expect(await holdExecutions(db, moves, by)).toEqual([]);

  expect(await readExecution(db, ofSequence.executionId)).toMatchObject({ status: "scheduled" });
  expect(await readExecution(db, ofEnrollment.executionId)).toMatchObject({ status: "scheduled" });
});

test("a hold for the enrollment's pause, and one for any other reason, ask nothing of the sequence", async () => {
  const [paused, unopened] = [await makeScheduled({}, { status: "paused" }), await makeScheduled()];
  await db.query("update email_sequence set status = 'active'");
  const moves = [
    { ...move(paused), reason: "enrollment_paused" },
    { ...move(unopened), reason: "window_never_opens" },
  ];

  expect((await holdExecutions(db, moves, by)).toSorted()).toEqual(
    [paused.executionId, unopened.executionId].toSorted(),
  );
});
