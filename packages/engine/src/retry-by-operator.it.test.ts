import { openDatabase } from "@dripline/db/database";
import { insertExecution } from "@dripline/db/testing/executions";
import type { TimedWake } from "@dripline/queue/wake";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { afterAll, expect, test } from "vitest";
import { retryByOperator } from "./retry-by-operator.ts";

const { url } = await freshDatabase();
const db = openDatabase({ url, connectionsMax: 2, applicationName: "test", onError: () => {} });
afterAll(() => db.end());

test("what failed gets its timer at once, and whoever retried it is in the audit log", async () => {
  const woken: TimedWake[] = [];
  const queue = { wake: async (wakes: readonly TimedWake[]) => void woken.push(...wakes) };
  const deps = { db, queue, now: new Date("2026-03-03T10:00:00Z"), actor: "ann" };
  const sequence = await makeSequence(db);
  const make = async () =>
    (await insertExecution(db, sequence, (await makeContact(db)).id, { status: "failed" })).executionId;
  const failed = [await make(), await make()].toSorted();

  const moved = await retryByOperator(deps, { executionIds: failed });
  const again = await retryByOperator(deps, { executionIds: failed });

  expect([moved.toSorted(), again]).toEqual([failed, []]);
  expect(woken.map(({ executionId }) => executionId).toSorted()).toEqual(failed);
  const { rows } = await db.query("select principal, action, object_id, data from audit_log");
  expect(rows).toEqual([
    {
      principal: "ann",
      action: "retryExecutions",
      object_id: "",
      data: { count: 2, executions: expect.arrayContaining(failed) },
    },
  ]);
});
