import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { beforeEach, expect, test } from "vitest";
import { findExpiredLeases, releaseClaimed } from "./rescue-expired-leases.ts";
import {
  insertExecution,
  type MadeExecution,
  readEvents,
  readExecution,
  statusesOtherThan,
} from "./testing/executions.ts";

const { pool: db } = await freshDatabase();
const now = new Date("2026-03-02T20:00:00Z");
const by = { now, actor: "sweep" };

// What is found depends on every row there is.
beforeEach(() => db.query("truncate execution_event, step_execution, sequence_enrollment cascade"));

/** An execution whose worker's lease ended a second ago. */
async function makeExpired(values: Parameters<typeof insertExecution>[3] = {}): Promise<MadeExecution> {
  const contact = await makeContact(db);
  return insertExecution(db, await makeSequence(db), contact.id, {
    status: "sending",
    generation: 3,
    attemptCount: 2,
    leaseUntil: secondsAgo(1),
    ...values,
  });
}

function secondsAgo(seconds: number): Date {
  return new Date(Date.now() - seconds * 1_000);
}

function lease({ executionId }: MadeExecution) {
  return { executionId, generation: 3, phase: "claimed" } as const;
}

/** Releases `refused` between two that are fine: the answer names those two, and `refused` stays as it was, silently. */
async function expectOnlyOthersAreReleased(refused: MadeExecution): Promise<void> {
  const [first, last] = [await makeExpired(), await makeExpired()];
  const before = await readExecution(db, refused.executionId);

  const released = await releaseClaimed(db, [lease(first), lease(refused), lease(last)], by);

  expect(released.map((one) => one.executionId).toSorted()).toEqual([first.executionId, last.executionId].toSorted());
  expect(await readExecution(db, refused.executionId)).toEqual(before);
  expect(await readEvents(db, refused.executionId)).toEqual([]);
}

test("expired leases are found in both phases, oldest first, and one that still runs is not", async () => {
  const claimed = await makeExpired({ leaseUntil: secondsAgo(10) });
  const data = await makeExpired({ phase: "data", generation: 5, leaseUntil: secondsAgo(20) });
  await makeExpired({ leaseUntil: secondsAgo(-60) });

  expect(await findExpiredLeases(db, 10)).toEqual([
    { executionId: data.executionId, generation: 5, phase: "data" },
    { executionId: claimed.executionId, generation: 3, phase: "claimed" },
  ]);
});

test("no more leases are found than asked for: the oldest", async () => {
  await makeExpired({ leaseUntil: secondsAgo(10) });
  const oldest = await makeExpired({ leaseUntil: secondsAgo(20) });

  expect((await findExpiredLeases(db, 1)).map((one) => one.executionId)).toEqual([oldest.executionId]);
});

test("what is not being sent has no lease that could be found", async () => {
  for (const status of statusesOtherThan("sending")) await makeExpired({ status, leaseUntil: null });

  expect(await findExpiredLeases(db, 10)).toEqual([]);
});

test("a released execution is scheduled in a new generation, with its attempt given back, and says why", async () => {
  const expired = await makeExpired();
  const before = await readExecution(db, expired.executionId);

  expect(await releaseClaimed(db, await findExpiredLeases(db, 10), by)).toEqual([
    { executionId: expired.executionId, kind: "scheduled" },
  ]);

  expect(await readExecution(db, expired.executionId)).toEqual({
    ...before,
    status: "scheduled",
    phase: null,
    leaseUntil: null,
    generation: 4,
    attemptCount: 1,
    workerLosses: 1,
    updatedAt: expect.any(Date),
  });
  expect(await readEvents(db, expired.executionId)).toEqual([
    { at: now, kind: "rescued", reason: "lease_expired", message: expect.stringMatching(/worker/), actor: "sweep" },
  ]);
});

test("an execution with which too many workers died fails instead, with its attempt given back and what to do", async () => {
  const [expired, lastChance] = [await makeExpired({ workerLosses: 4 }), await makeExpired({ workerLosses: 3 })];

  const released = await releaseClaimed(db, [lease(expired), lease(lastChance)], by);

  expect(released).toEqual(
    expect.arrayContaining([
      { executionId: expired.executionId, kind: "failed" },
      { executionId: lastChance.executionId, kind: "scheduled" },
    ]),
  );
  expect(await readExecution(db, expired.executionId)).toMatchObject({
    status: "failed",
    phase: null,
    leaseUntil: null,
    generation: 4,
    attemptCount: 1,
    workerLosses: 5,
    errorMessage: expect.stringMatching(/5 workers died .* retry/),
  });
  expect(await readEvents(db, expired.executionId)).toMatchObject([
    { kind: "failed", reason: "worker_lost_repeatedly", message: expect.stringMatching(/retry/), actor: "sweep" },
  ]);
});

test("an execution that two sweeps found is released once", async () => {
  const expired = await makeExpired();
  await releaseClaimed(db, [lease(expired)], by);

  expect(await releaseClaimed(db, [lease(expired)], by)).toEqual([]);
});

test("an execution whose lease still runs is not released", async () => {
  await expectOnlyOthersAreReleased(await makeExpired({ leaseUntil: secondsAgo(-60) }));
});

test("an execution whose body may have left is never sent again by a release", async () => {
  await expectOnlyOthersAreReleased(await makeExpired({ phase: "data" }));
});

test("an execution that was claimed anew since it was found is not released", async () => {
  await expectOnlyOthersAreReleased(await makeExpired({ generation: 4 }));
});

test.each(statusesOtherThan("sending"))("an execution that is %s is not released", async (status) => {
  await expectOnlyOthersAreReleased(await makeExpired({ status, leaseUntil: null }));
});
