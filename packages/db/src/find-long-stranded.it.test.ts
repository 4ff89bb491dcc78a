import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { beforeEach, expect, test } from "vitest";
import { findLongStranded } from "./find-long-stranded.ts";
import { insertExecution, type MadeExecution } from "./testing/executions.ts";

const { pool: db } = await freshDatabase();
const quietSeconds = 60;
const lowestId = "00000000-0000-0000-0000-000000000000";
const longAgo = new Date(Date.now() - 120_000);

beforeEach(() => db.query("truncate execution_event, step_execution, sequence_enrollment cascade"));

async function make(
  values: Parameters<typeof insertExecution>[3] = {},
  enrollment: Parameters<typeof insertExecution>[4] = {},
): Promise<MadeExecution> {
  const contact = await makeContact(db);
  return insertExecution(
    db,
    await makeSequence(db),
    contact.id,
    { status: "sent", updatedAt: longAgo, ...values },
    { updatedAt: longAgo, ...enrollment },
  );
}

test("an active enrollment in which nothing has been open for a minute is found", async () => {
  const stranded = await make();
  for (const status of ["scheduled", "pending", "sending", "failed"] as const) await make({ status });
  await make({}, { status: "completed" });
  await make({}, { status: "paused" });

  const found = await findLongStranded(db, { fromId: lowestId, limit: 100, quietSeconds });

  expect(found).toMatchObject({ enrollmentIds: [stranded.enrollmentId], isLastChunk: true });
});

test("one in which something changed within the minute is left alone: whoever is at it opens its steps", async () => {
  await make({ updatedAt: new Date() });
  await make({}, { updatedAt: new Date() });

  expect((await findLongStranded(db, { fromId: lowestId, limit: 100, quietSeconds })).enrollmentIds).toEqual([]);
});

test("a walk looks at a chunk at a time and says where it has come", async () => {
  const made = [await make(), await make(), await make()].map((one) => one.enrollmentId).toSorted();

  const first = await findLongStranded(db, { fromId: lowestId, limit: 2, quietSeconds });
  expect(first).toEqual({ enrollmentIds: made.slice(0, 2), lastId: made[1], isLastChunk: false });
  const second = await findLongStranded(db, { fromId: made[1] ?? "", limit: 3, quietSeconds });
  expect(second).toEqual({ enrollmentIds: made.slice(1), lastId: made[2], isLastChunk: true });
});

test("an empty table has no last enrollment", async () => {
  expect(await findLongStranded(db, { fromId: lowestId, limit: 2, quietSeconds })).toEqual({
    enrollmentIds: [],
    lastId: null,
    isLastChunk: true,
  });
});
