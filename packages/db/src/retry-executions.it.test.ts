import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { expect, test } from "vitest";
import { retryExecutions } from "./retry-executions.ts";
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
const later = new Date("2026-03-02T20:05:00Z");

async function makeSending(values: Parameters<typeof insertExecution>[3] = {}): Promise<MadeExecution> {
  const contact = await makeContact(db);
  return insertExecution(db, await makeSequence(db), contact.id, {
    status: "sending",
    generation: 3,
    attemptCount: 2,
    ...values,
  });
}

function move({ executionId }: MadeExecution, reason = "refused_4xx") {
  return { executionId, generation: 3, at: later, reason, message: `Comes back: ${reason}.` };
}

/** Retries `refused` between two that are fine: the answer names those two, and `refused` stays as it was, silently. */
async function expectOnlyOthersAreRetried(refused: MadeExecution): Promise<void> {
  const [first, last] = [await makeSending(), await makeSending()];
  const before = await readExecution(db, refused.executionId);

  const moved = await retryExecutions(db, [move(first), move(refused), move(last)], by);

  expect(moved.toSorted()).toEqual([first.executionId, last.executionId].toSorted());
  expect(await readExecution(db, refused.executionId)).toEqual(before);
  expect(await readEvents(db, refused.executionId)).toEqual([]);
}

test.each(["claimed", "data"] as const)(
  "a retry from the phase %s comes back later, without lease, with its attempt counted and a sentence",
  async (phase) => {
    const sending = await makeSending({ phase });

    expect(await retryExecutions(db, [move(sending)], by)).toEqual([sending.executionId]);

    expect(await readExecution(db, sending.executionId)).toMatchObject({
      status: "scheduled",
      phase: null,
      leaseUntil: null,
      scheduledFor: later,
      attemptCount: 2,
      errorMessage: "Comes back: refused_4xx.",
    });
    expect(await readEvents(db, sending.executionId)).toEqual([
      { at: now, kind: "retried", reason: "refused_4xx", message: "Comes back: refused_4xx.", actor: "worker" },
    ]);
  },
);

test.each(["refused_4xx", "transport_unusable", "not_reached"])(
  "an attempt stays counted, even for %s",
  async (reason) => {
    const sending = await makeSending();

    await retryExecutions(db, [move(sending, reason)], by);

    expect((await readExecution(db, sending.executionId)).attemptCount).toBe(2);
  },
);

test.each(statusesOtherThan("sending"))("an execution that is %s is not retried", async (status) => {
  await expectOnlyOthersAreRetried(await makeSending({ status }));
});

test("a worker of an older generation retries nothing", async () => {
  await expectOnlyOthersAreRetried(await makeSending({ generation: 4 }));
});

test("the server's codes are those of the last attempt, and none if it did not answer", async () => {
  const sending = await makeSending({ smtpCode: 451, enhancedCode: "4.7.1" });
  await retryExecutions(db, [{ ...move(sending), smtpCode: 421, enhancedCode: "4.3.2" }], by);
  expect(await readExecution(db, sending.executionId)).toMatchObject({ smtpCode: 421, enhancedCode: "4.3.2" });

  const silent = await makeSending({ smtpCode: 451, enhancedCode: "4.7.1" });
  await retryExecutions(db, [move(silent)], by);
  expect(await readExecution(db, silent.executionId)).toMatchObject({ smtpCode: null, enhancedCode: null });
});
