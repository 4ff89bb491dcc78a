import { openDatabase } from "@dripline/db/database";
import { insertDoubt } from "@dripline/db/testing/doubts";
import { readExecution } from "@dripline/db/testing/executions";
import { REAL_PACE } from "@dripline/domain/delay";
import { maySendAgain } from "@dripline/domain/may-send-again";
import { EnrollmentStatus } from "@dripline/domain/statuses";
import type { TimedWake } from "@dripline/queue/wake";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { afterAll, beforeEach, expect, test } from "vitest";
import { settleByOperator } from "./settle-by-operator.ts";

const { url } = await freshDatabase();
const db = openDatabase({ url, connectionsMax: 2, applicationName: "test", onError: () => {} });
afterAll(() => db.end());

const woken: TimedWake[] = [];
const queue = { wake: async (wakes: readonly TimedWake[]) => void woken.push(...wakes) };
const deps = { db, queue, now: new Date("2026-03-03T10:00:00Z"), pace: REAL_PACE, actor: "ann" };
const nobody = "019a0000-0000-7000-8000-00000000dead";

beforeEach(async () => {
  woken.length = 0;
  await db.query("update step_execution set status = 'skipped' where status = 'in_doubt'");
});

async function inDoubt(given: Parameters<typeof insertDoubt>[3] = {}): Promise<string> {
  const sequence = await makeSequence(db, { steps: [{}, {}] });
  return (await insertDoubt(db, sequence, (await makeContact(db)).id, given)).executionId;
}

test("what was settled gets its timer, and of each that was left alone it is said why", async () => {
  const open = await inDoubt();
  const sent = await inDoubt({ values: { status: "sent" } });
  const cancelled = await inDoubt({ enrollment: { status: "cancelled" } });

  const ids = [nobody, sent, cancelled, open.toUpperCase(), open];
  const settlement = await settleByOperator(deps, { executionIds: ids }, { as: "resend", note: "" });

  expect(settlement).toEqual({
    settledIds: [open],
    leftAlone: [
      { executionId: nobody, kind: "unknown" },
      { executionId: sent, kind: "not_in_doubt", status: "sent" },
      { executionId: cancelled, kind: "enrollment_ended", enrollmentStatus: "cancelled" },
    ],
  });
  expect(woken).toMatchObject([{ executionId: open, generation: 4 }]);
});

test("all means all: those that cannot be settled keep none of the others waiting", async () => {
  const refused = await inDoubt({ enrollment: { status: "cancelled" }, values: { scheduledFor: new Date(0) } });
  const others: string[] = [];
  for (let n = 0; n < 3; n += 1) others.push(await inDoubt());

  const settlement = await settleByOperator(deps, "all", { as: "resend", note: "" });

  expect(settlement.settledIds.toSorted()).toEqual(others);
  expect(settlement.leftAlone).toMatchObject([{ executionId: refused }]);
  expect(await settleByOperator(deps, "all", { as: "sent", note: "" })).toEqual({
    settledIds: [refused],
    leftAlone: [],
  });
});

test("a queue that is away keeps nobody from settling: a sweep finds the row", async () => {
  const open = await inDoubt();
  const away = { wake: () => Promise.reject(new Error("the queue is away")) };
  const settlement = await settleByOperator({ ...deps, queue: away }, "all", { as: "resend", note: "" });
  expect(settlement.settledIds).toEqual([open]);
});

test.each(
  EnrollmentStatus.options.flatMap((status) => [true, false].map((hasAdvanced) => [status, hasAdvanced] as const)),
)(
  "the rule and the statement agree on who gets another copy: enrollment %s, gone on from here: %s",
  async (status, hasAdvanced) => {
    const open = await inDoubt({ enrollment: { status }, values: { hasAdvanced } });
    const { settledIds } = await settleByOperator(deps, { executionIds: [open] }, { as: "resend", note: "" });
    expect(settledIds.length === 1).toBe(maySendAgain(status, hasAdvanced));
    expect((await readExecution(db, open)).status).toBe(settledIds.length === 1 ? "scheduled" : "in_doubt");
  },
);

test("whoever settles is in the audit log, with what they did it to and how; of nothing settled there is no entry", async () => {
  await db.query("truncate audit_log");
  const open = await inDoubt();

  await settleByOperator(deps, { executionIds: [open] }, { as: "sent", note: "They replied" });
  await settleByOperator(deps, { executionIds: [open] }, { as: "sent", note: "Twice" });

  const { rows } = await db.query("select principal, action, object_type, object_id, data from audit_log");
  expect(rows).toEqual([
    {
      principal: "ann",
      action: "settleExecutions",
      object_type: "sequence-executions",
      object_id: open,
      data: { as: "sent", note: "They replied", count: 1, executions: [open] },
    },
  ]);
});
