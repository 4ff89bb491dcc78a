import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { expect, test } from "vitest";
import { failExecutions } from "./fail-executions.ts";
import {
  insertExecution,
  type MadeExecution,
  readEnrollment,
  readEvents,
  readExecution,
  statusesOtherThan,
} from "./testing/executions.ts";

const { pool: db } = await freshDatabase();
const now = new Date("2026-03-02T20:00:00Z");
const by = { now, actor: "worker" };

async function makeSending(values: Parameters<typeof insertExecution>[3] = {}): Promise<MadeExecution> {
  const contact = await makeContact(db);
  return insertExecution(db, await makeSequence(db), contact.id, {
    status: "sending",
    generation: 3,
    attemptCount: 3,
    ...values,
  });
}

function move({ executionId }: MadeExecution) {
  return { executionId, generation: 3, reason: "refused_5xx", message: "550 No such user." };
}

/** Fails `refused` between two that are fine: the answer names those two, and `refused` stays as it was, silently. */
async function expectOnlyOthersFail(refused: MadeExecution): Promise<void> {
  const [first, last] = [await makeSending(), await makeSending()];
  const before = await readExecution(db, refused.executionId);

  const moved = await failExecutions(db, [move(first), move(refused), move(last)], by);

  expect(moved.toSorted()).toEqual([first.executionId, last.executionId].toSorted());
  expect(await readExecution(db, refused.executionId)).toEqual(before);
  expect(await readEvents(db, refused.executionId)).toEqual([]);
}

test.each(["claimed", "data"] as const)(
  "a failure from the phase %s keeps its attempts, gives up its lease and says why",
  async (phase) => {
    const sending = await makeSending({ phase });

    expect(await failExecutions(db, [move(sending)], by)).toEqual([sending.executionId]);

    expect(await readExecution(db, sending.executionId)).toMatchObject({
      status: "failed",
      phase: null,
      leaseUntil: null,
      attemptCount: 3,
      errorMessage: "550 No such user.",
    });
    expect(await readEvents(db, sending.executionId)).toEqual([
      { at: now, kind: "failed", reason: "refused_5xx", message: "550 No such user.", actor: "worker" },
    ]);
  },
);

test("the enrollment of a failed execution stays where it is", async () => {
  const sending = await makeSending();
  const before = await readEnrollment(db, sending.enrollmentId);

  await failExecutions(db, [move(sending)], by);

  expect(await readEnrollment(db, sending.enrollmentId)).toEqual(before);
});

test.each(statusesOtherThan("sending"))("an execution that is %s does not fail", async (status) => {
  await expectOnlyOthersFail(await makeSending({ status }));
});

test("a worker of an older generation fails nothing", async () => {
  await expectOnlyOthersFail(await makeSending({ generation: 4 }));
});
