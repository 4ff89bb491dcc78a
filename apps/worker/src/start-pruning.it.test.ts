import { newId } from "@dripline/db/new-id";
import { freshDatabase } from "@dripline/testkit/database";
import { waitFor } from "@dripline/testkit/wait-for";
import { expect, test, vi } from "vitest";
import { pruneIfDue, startPruning } from "./start-pruning.ts";
import { makeSweepDeps } from "./testing/sweep-deps.ts";

const { pool: db } = await freshDatabase();
const { deps, errors } = makeSweepDeps(db, { now: () => new Date() });
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

test("pruning that goes wrong is counted and logged, and keeps nothing else from working", async () => {
  const failed = vi.spyOn(deps.metrics, "sweepFailed");
  await db.query("delete from sweep_cursor");
  await db.query("alter table audit_log rename to audit_log_away");
  try {
    const pruning = startPruning(deps, 30);
    await waitFor(() => failed.mock.calls.length > 0, { timeoutMilliseconds: 5_000, describe: "it to fail" });
    expect(failed.mock.calls).toEqual([["prune"]]);
    expect(errors).toHaveLength(1);
    await pruning.stop();
  } finally {
    await db.query("alter table audit_log_away rename to audit_log");
  }
});

test("a worker prunes by itself when it is time, and stops when it is told to", async () => {
  await makeEntry(31);
  await db.query("delete from sweep_cursor");
  const pruning = startPruning(deps, 30);
  await waitFor(async () => (await entries()) === 1, { timeoutMilliseconds: 5_000, describe: "the old entry to go" });
  await pruning.stop();
});
