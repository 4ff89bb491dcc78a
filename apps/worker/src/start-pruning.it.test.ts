import { newId } from "@dripline/db/new-id";
import { freshDatabase } from "@dripline/testkit/database";
import { waitFor } from "@dripline/testkit/wait-for";
import { expect, test } from "vitest";
import { pruneIfDue, startPruning } from "./start-pruning.ts";
import { makeSweepDeps } from "./testing/sweep-deps.ts";

const { pool: db } = await freshDatabase();
const { deps } = makeSweepDeps(db, { now: () => new Date() });
const { signal } = new AbortController();
const entries = async () => (await db.query("select from audit_log")).rowCount;

async function makeEntry(days: number): Promise<void> {
  await db.query(
    `insert into audit_log (id, at, principal, action, object_type, object_id)
     values ($1, now() - make_interval(days => $2), 'x', 'x', 'x', 'x')`,
    [newId(), days],
  );
}

test("of several workers one deletes what ended longer ago than the retention, once a day", async () => {
  await makeEntry(31);
  await makeEntry(29);
  const turns = await Promise.all([1, 2, 3].map(() => pruneIfDue(deps, 30, signal)));
  expect(turns.filter((pruned) => pruned !== undefined)).toMatchObject([{ auditEntries: 1 }]);
  expect(await entries()).toBe(1);

  await makeEntry(31);
  expect(await pruneIfDue(deps, 30, signal)).toBeUndefined();
  await db.query("update sweep_cursor set at = at - interval '1 day'");
  expect(await pruneIfDue(deps, 30, signal)).toMatchObject({ auditEntries: 1 });
});

test("a worker prunes by itself when it is time, and stops when it is told to", async () => {
  await makeEntry(31);
  await db.query("delete from sweep_cursor");
  const pruning = startPruning(deps, 30);
  await waitFor(async () => (await entries()) === 1, { timeoutMilliseconds: 5_000, describe: "the old entry to go" });
  await pruning.stop();
});
