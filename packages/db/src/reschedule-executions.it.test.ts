import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { expect, test } from "vitest";
import { type RescheduleByOperator, rescheduleExecutions } from "./reschedule-executions.ts";
import {
  insertExecution,
  type MadeExecution,
  readEvents,
  readExecution,
  statusesOtherThan,
} from "./testing/executions.ts";

const { pool: db } = await freshDatabase();
const now = new Date("2026-03-02T20:00:00Z");
const dueAt = new Date("2026-03-07T05:00:00Z");
const scheduledFor = new Date("2026-03-09T02:00:00Z");
const by = { now, actor: "operator:ann" };

async function makeScheduled(
  values: Parameters<typeof insertExecution>[3] = {},
  enrollment: Parameters<typeof insertExecution>[4] = {},
): Promise<MadeExecution> {
  const contact = await makeContact(db);
  return insertExecution(db, await makeSequence(db), contact.id, { generation: 3, ...values }, enrollment);
}

function move({ executionId }: MadeExecution, values: Partial<RescheduleByOperator> = {}): RescheduleByOperator {
  const zone = { zone: "Asia/Bangkok", source: "schedule" } as const;
  const message = "An operator moved it.";
  return { executionId, generation: 3, dueAt, scheduledFor, zone, reason: "operator", message, ...values };
}

/** Moves `refused` between two that are fine: the answer names those two, and `refused` stays as it was, silently. */
async function expectOnlyOthersAreMoved(
  refused: MadeExecution,
  values: Partial<RescheduleByOperator> = {},
): Promise<void> {
  const [first, last] = [await makeScheduled(), await makeScheduled()];
  const before = await readExecution(db, refused.executionId);

  const moved = await rescheduleExecutions(db, [move(first), move(refused, values), move(last)], by);

  const ids = moved.map((one) => one.executionId).toSorted();
  expect(ids).toEqual([first.executionId, last.executionId].toSorted());
  expect(await readExecution(db, refused.executionId)).toEqual(before);
  expect(await readEvents(db, refused.executionId)).toEqual([]);
}

test("a scheduled execution gets the new time with base and due time, in a new generation; its attempts stay counted", async () => {
  const waiting = await makeScheduled({ attemptCount: 2, errorMessage: "421 Come back later.", rescuedAt: now });
  const before = await readExecution(db, waiting.executionId);

  const moved = await rescheduleExecutions(db, [move(waiting)], by);

  expect(moved).toEqual([{ executionId: waiting.executionId, generation: 4, scheduledFor }]);
  expect(await readExecution(db, waiting.executionId)).toEqual({
    ...before,
    countsFrom: dueAt,
    dueAt,
    scheduledFor,
    timezone: "Asia/Bangkok",
    timezoneSource: "schedule",
    generation: 4,
    errorMessage: null,
    rescuedAt: null,
    updatedAt: expect.any(Date),
  });
  expect(await readEvents(db, waiting.executionId)).toEqual([
    { at: now, kind: "rescheduled", reason: "operator", message: "An operator moved it.", actor: "operator:ann" },
  ]);
});

test.each(statusesOtherThan("scheduled"))("an execution that is %s is not moved", async (status) => {
  await expectOnlyOthersAreMoved(await makeScheduled({ status }));
});

test("a plan that was made from another generation moves nothing", async () => {
  await expectOnlyOthersAreMoved(await makeScheduled(), { generation: 2 });
});

test.each(["completed", "unsubscribed", "cancelled"] as const)(
  "an execution of an enrollment that is %s is not moved",
  async (status) => {
    await expectOnlyOthersAreMoved(await makeScheduled({}, { status }));
  },
);

test("an email in doubt that is sent again is moved, although its enrollment has completed since", async () => {
  const again = await makeScheduled({ hasAdvanced: true }, { status: "completed" });
  expect(await rescheduleExecutions(db, [move(again)], by)).toHaveLength(1);
});
