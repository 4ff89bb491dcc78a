import type { StopReason } from "@dripline/domain/decide-send";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { waitFor } from "@dripline/testkit/wait-for";
import { expect, test } from "vitest";
import { inTransaction } from "./database.ts";
import { stopExecutions } from "./stop-executions.ts";
import {
  insertExecution,
  isSomebodyWaiting,
  type MadeExecution,
  readEnrollment,
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
  const contact = await makeContact(db);
  return insertExecution(db, await makeSequence(db), contact.id, { generation: 3, ...values }, enrollment);
}

function move({ executionId }: MadeExecution, reason: StopReason = "address_suppressed") {
  return { executionId, generation: 3, reason, message: `Stopped: ${reason}.` };
}

/** Stops `refused` between two that are fine: the answer names those two, and nothing of `refused` moves. */
async function expectOnlyOthersAreStopped(refused: MadeExecution): Promise<void> {
  const [first, last] = [await makeScheduled(), await makeScheduled()];
  const before = await readExecution(db, refused.executionId);
  const enrollmentBefore = await readEnrollment(db, refused.enrollmentId);

  const moved = await stopExecutions(db, [move(first), move(refused), move(last)], by);

  expect(moved.toSorted()).toEqual([first.executionId, last.executionId].toSorted());
  expect(await readExecution(db, refused.executionId)).toEqual(before);
  expect(await readEnrollment(db, refused.enrollmentId)).toEqual(enrollmentBefore);
  expect(await readEvents(db, refused.executionId)).toEqual([]);
}

test("a stopped execution is skipped with a sentence, in the row and in an event", async () => {
  const due = await makeScheduled();

  expect(await stopExecutions(db, [move(due)], by)).toEqual([due.executionId]);

  const message = "Stopped: address_suppressed.";
  expect(await readExecution(db, due.executionId)).toMatchObject({ status: "skipped", errorMessage: message });
  expect(await readEvents(db, due.executionId)).toEqual([
    { at: now, kind: "skipped", reason: "address_suppressed", message, actor: "worker" },
  ]);
});

test.each([
  ["contact_opted_out", "active", "unsubscribed"],
  ["contact_opted_out", "paused", "unsubscribed"],
  ["address_suppressed", "active", "cancelled"],
  ["sequence_archived", "paused", "cancelled"],
] as const)("%s: an enrollment that is %s becomes %s, with that reason", async (reason, status, becomes) => {
  const due = await makeScheduled({}, { status });

  await stopExecutions(db, [move(due, reason)], by);

  expect(await readEnrollment(db, due.enrollmentId)).toMatchObject({ status: becomes, endReason: reason });
});

test.each(["completed", "unsubscribed", "cancelled"] as const)(
  "an enrollment that was %s before keeps its status and its own reason; its execution is skipped all the same",
  async (status) => {
    const due = await makeScheduled({}, { status, endReason: "the_first_reason" });

    expect(await stopExecutions(db, [move(due, "contact_opted_out")], by)).toEqual([due.executionId]);

    expect(await readEnrollment(db, due.enrollmentId)).toMatchObject({ status, endReason: "the_first_reason" });
    expect(await readExecution(db, due.executionId)).toMatchObject({ status: "skipped" });
  },
);

test("several are stopped in one call, each enrollment with its own reason", async () => {
  const [first, second] = [await makeScheduled(), await makeScheduled()];

  await stopExecutions(db, [move(first, "sequence_archived"), move(second, "contact_opted_out")], by);

  expect(await readEnrollment(db, first.enrollmentId)).toMatchObject({
    status: "cancelled",
    endReason: "sequence_archived",
  });
  expect(await readEnrollment(db, second.enrollmentId)).toMatchObject({
    status: "unsubscribed",
    endReason: "contact_opted_out",
  });
});

test.each(statusesOtherThan("scheduled"))("an execution that is %s is not stopped", async (status) => {
  await expectOnlyOthersAreStopped(await makeScheduled({ status }));
});

test("a wake-up of an older generation stops nothing", async () => {
  await expectOnlyOthersAreStopped(await makeScheduled({ generation: 4 }));
});

test("a stop waits for an unenrollment that is under way, and then moves nothing: no deadlock", async () => {
  const due = await makeScheduled();

  const stopping = await inTransaction(db, async (tx) => {
    await tx.query("update sequence_enrollment set status = 'cancelled', end_reason = 'first' where id = $1", [
      due.enrollmentId,
    ]);
    const stop = stopExecutions(db, [move(due, "contact_opted_out")], by);
    // In an array, because returning a promise would wait for it, and it waits for this transaction.
    const waiting = [stop];
    await waitFor(() => isSomebodyWaiting(db), { timeoutMilliseconds: 5_000, describe: "the stop to wait" });
    await tx.query("update step_execution set status = 'skipped' where id = $1", [due.executionId]);
    return waiting;
  });

  expect(await stopping[0]).toEqual([]);
  expect(await readEnrollment(db, due.enrollmentId)).toMatchObject({ status: "cancelled", endReason: "first" });
});
