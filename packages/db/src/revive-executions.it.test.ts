import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { beforeEach, expect, test } from "vitest";
import { reviveExecutions } from "./revive-executions.ts";
import {
  insertExecution,
  type MadeExecution,
  readEvents,
  readExecution,
  statusesOtherThan,
} from "./testing/executions.ts";

const { pool: db } = await freshDatabase();
const now = new Date("2026-03-02T20:00:00Z");
const by = { now, actor: "operator:ann" };

// Reviving by status reaches every row there is.
beforeEach(() => db.query("truncate execution_event, step_execution, sequence_enrollment cascade"));

async function makeFailed(
  values: Parameters<typeof insertExecution>[3] = {},
  enrollment: Parameters<typeof insertExecution>[4] = {},
): Promise<MadeExecution> {
  const contact = await makeContact(db);
  const held = values.status === "pending" ? { holdReason: "missing_variable" } : {};
  const failed = { status: "failed", generation: 3, attemptCount: 3, ...held, ...values } as const;
  return insertExecution(db, await makeSequence(db), contact.id, failed, enrollment);
}

/** Revives `refused` between two that are fine: the answer names those two, and `refused` stays as it was, silently. */
async function expectOnlyOthersAreRevived(refused: MadeExecution): Promise<void> {
  const [first, last] = [await makeFailed(), await makeFailed()];
  const before = await readExecution(db, refused.executionId);

  const executionIds = [first, refused, last].map((one) => one.executionId);
  const revived = await reviveExecutions(db, { executionIds }, by);

  const ids = revived.map((one) => one.executionId).toSorted();
  expect(ids).toEqual([first.executionId, last.executionId].toSorted());
  expect(await readExecution(db, refused.executionId)).toEqual(before);
  expect(await readEvents(db, refused.executionId)).toEqual([]);
}

test.each(["pending", "failed"] as const)(
  "an execution that is %s is due at once, in a new generation, with a fresh count of attempts and lost workers, and says who did it",
  async (status) => {
    const stopped = await makeFailed({ status, errorMessage: "550 No such user.", rescuedAt: now, workerLosses: 5 });
    const before = await readExecution(db, stopped.executionId);

    const revived = await reviveExecutions(db, { executionIds: [stopped.executionId] }, by);

    expect(revived).toEqual([{ executionId: stopped.executionId, generation: 4, scheduledFor: now }]);
    expect(await readExecution(db, stopped.executionId)).toEqual({
      ...before,
      status: "scheduled",
      holdReason: null,
      heldAt: null,
      errorMessage: null,
      attemptCount: 0,
      workerLosses: 0,
      rescuedAt: null,
      generation: 4,
      countsFrom: now,
      dueAt: now,
      scheduledFor: now,
      updatedAt: expect.any(Date),
    });
    expect(await readEvents(db, stopped.executionId)).toEqual([
      {
        at: now,
        kind: "revived",
        reason: "operator",
        message: expect.stringMatching(/operator/),
        actor: "operator:ann",
      },
    ]);
  },
);

test.each(statusesOtherThan("pending", "failed"))("an execution that is %s is not revived", async (status) => {
  await expectOnlyOthersAreRevived(await makeFailed({ status }));
});

test.each(["completed", "unsubscribed", "cancelled"] as const)(
  "an execution of an enrollment that is %s is not revived",
  async (status) => {
    await expectOnlyOthersAreRevived(await makeFailed({}, { status }));
  },
);

test.each(["sequence_paused", "enrollment_paused"])(
  "an execution that waits for a pause to end (%s) is not revived: it would lose the time that was left",
  async (holdReason) => {
    await expectOnlyOthersAreRevived(await makeFailed({ status: "pending", holdReason }));
  },
);

test("a failed execution of a paused enrollment is revived: when it fires it is held again", async () => {
  const paused = await makeFailed({}, { status: "paused" });

  expect(await reviveExecutions(db, { executionIds: [paused.executionId] }, by)).toHaveLength(1);
});

test("an execution that was not named stays as it is", async () => {
  const [named, other] = [await makeFailed(), await makeFailed()];

  await reviveExecutions(db, { executionIds: [named.executionId] }, by);

  expect(await readExecution(db, other.executionId)).toMatchObject({ status: "failed", generation: 3 });
});

test.each(["pending", "failed"] as const)("reviving all that is %s leaves every other status alone", async (status) => {
  const wanted = [await makeFailed({ status }), await makeFailed({ status })];
  for (const other of statusesOtherThan(status)) await makeFailed({ status: other });
  await makeFailed({ status }, { status: "cancelled" });

  const revived = await reviveExecutions(db, { status }, by);

  expect(revived.map((one) => one.executionId).toSorted()).toEqual(wanted.map((one) => one.executionId).toSorted());
});
