import { freshDatabase } from "@dripline/testkit/database";
import { fixClock } from "@dripline/testkit/fixed-clock";
import { beforeEach, expect, test } from "vitest";
import { makeSweepDeps } from "../testing/sweep-deps.ts";
import { pruneStoredAnswers } from "./prune-idempotency-keys.ts";

const { url, pool: db } = await freshDatabase();
const clock = await fixClock(url, new Date("2026-03-10T09:00:00Z"));
const { deps } = makeSweepDeps(db, { now: clock.now });

beforeEach(() => db.query("truncate idempotency_key"));

async function store(keys: readonly string[], createdAt: string): Promise<void> {
  await db.query(
    `insert into idempotency_key (principal, key, request_hash, status_code, body, created_at)
     select 'api_key:x', unnest($1::text[]), 'hash', 201, '{}', $2`,
    [keys, createdAt],
  );
}

async function kept(): Promise<string[]> {
  const { rows } = await db.query<{ key: string }>("select key from idempotency_key order by key");
  return rows.map(({ key }) => key);
}

test("an answer can be replayed for seven days, and is forgotten then", async () => {
  await store(["a week and a second"], "2026-03-03T08:59:59Z");
  await store(["a week"], "2026-03-03T09:00:00Z");
  await store(["a day"], "2026-03-09T09:00:00Z");

  expect(await pruneStoredAnswers.runOnce(deps)).toBe(1);
  expect(await kept()).toEqual(["a day", "a week"]);
  expect(await pruneStoredAnswers.runOnce(deps)).toBe(0);
});

test("many go in batches, all in one round", async () => {
  await store(
    Array.from({ length: 2_500 }, (_, index) => `old ${index}`),
    "2026-01-01T00:00:00Z",
  );
  await store(["new"], "2026-03-10T00:00:00Z");

  expect(await pruneStoredAnswers.runOnce(deps)).toBe(2_500);
  expect(await kept()).toEqual(["new"]);
});

test("a worker that is told to stop begins no further batch", async () => {
  await store(["old"], "2026-01-01T00:00:00Z");

  expect(await pruneStoredAnswers.runOnce({ ...deps, stopping: AbortSignal.abort() })).toBe(0);
});

test("an answer that is replayed in this moment is left for the next round", async () => {
  await store(["old"], "2026-01-01T00:00:00Z");
  const reader = await db.connect();
  await reader.query("begin");
  await reader.query("select from idempotency_key for share");

  expect(await pruneStoredAnswers.runOnce(deps)).toBe(0);

  await reader.query("rollback");
  reader.release();
  expect(await pruneStoredAnswers.runOnce(deps)).toBe(1);
});
