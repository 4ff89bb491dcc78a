import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { expect, test } from "vitest";
import { sendDoubtsAgain } from "./send-doubts-again.ts";
import { insertDoubt } from "./testing/doubts.ts";
import { insertExecution, readEvents, readExecution, statusesOtherThan } from "./testing/executions.ts";

const { pool: db } = await freshDatabase();
const by = { now: new Date("2026-03-02T20:00:00Z"), actor: "ann", note: "" };
const sequence = await makeSequence(db);
const contactId = async () => (await makeContact(db)).id;

/** Asks for `refused` between two that are in doubt: the answer names those two, and `refused` stays as it was, silently. */
async function expectOnlyOthersAreSentAgain(refused: { readonly executionId: string }, generation = 3): Promise<void> {
  const [first, last] = [
    await insertDoubt(db, sequence, await contactId()),
    await insertDoubt(db, sequence, await contactId()),
  ];
  const before = await readExecution(db, refused.executionId);

  const ask = [
    { ...first, generation: 3 },
    { ...refused, generation },
    { ...last, generation: 3 },
  ];
  const moved = (await sendDoubtsAgain(db, ask, by)).map(({ executionId }) => executionId);

  expect(moved.toSorted()).toEqual([first.executionId, last.executionId].toSorted());
  expect(await readExecution(db, refused.executionId)).toEqual(before);
  expect(await readEvents(db, refused.executionId)).toEqual([]);
}

// Whoever asks has looked before, and somebody else may have settled it as sent since: that leaves its generation.
test.each(statusesOtherThan("in_doubt"))("an execution that is %s is not sent again", async (status) => {
  await expectOnlyOthersAreSentAgain(
    await insertExecution(db, sequence, await contactId(), { status, generation: 3, attemptCount: 1 }),
  );
});

test("an execution that was sent again since it was looked at, and is in doubt again, is left to whoever looks anew", async () => {
  await expectOnlyOthersAreSentAgain(await insertDoubt(db, sequence, await contactId(), { values: { generation: 4 } }));
});
