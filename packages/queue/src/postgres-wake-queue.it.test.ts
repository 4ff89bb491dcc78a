import { freshDatabase } from "@dripline/testkit/database";
import { expect, onTestFinished, test, vi } from "vitest";
import { migratePostgresQueue } from "./migrate-postgres-queue.ts";
import { openPostgresWakeQueue, postgresConcurrencyMax } from "./postgres-wake-queue.ts";
import { newWake, signal, wakeQueueConformance } from "./wake-queue.conformance.ts";
import type { WakeQueue } from "./wake-queue.ts";
import { wakeQueueOutages } from "./wake-queue-outages.conformance.ts";

const database = await freshDatabase();

/** The tables of the queue, empty. */
async function emptyQueue(): Promise<void> {
  const { rows } = await database.pool.query<{ tables: string }>(
    `SELECT string_agg(format('%I.%I', schemaname, tablename), ', ') AS tables
       FROM pg_tables WHERE schemaname = 'bullmq' AND tablename <> 'migration'`,
  );
  await database.pool.query(`TRUNCATE ${rows[0]?.tables}`);
}

function open(url: string): WakeQueue {
  return openPostgresWakeQueue({ url, now: () => new Date(), role: "worker" });
}

wakeQueueConformance("a WakeQueue on PostgreSQL", async () => {
  await emptyQueue();
  return open(database.url);
});

wakeQueueOutages("a WakeQueue on PostgreSQL when the server is away", async () => {
  await emptyQueue();
  return { serverUrl: database.url, defaultPort: 5432, open };
});

test("a consumer outlives the loss of every connection, the one that listens included", async () => {
  await emptyQueue();
  const queue = open(database.url);
  let runs = 0;
  const consumer = queue.consume(
    async () => {
      runs += 1;
      return { kind: "done" };
    },
    { concurrency: 2, onError: () => undefined },
  );
  onTestFinished(async () => {
    await consumer.close(500);
    await queue.close();
  });
  await consumer.whenReady();
  await queue.wake([newWake(0)]);
  await vi.waitFor(() => expect(runs).toBe(1), { timeout: 10_000 });

  await database.pool.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
  );

  await vi.waitFor(() => queue.wake([newWake(0)]), { timeout: 10_000 });
  await vi.waitFor(() => expect(runs).toBe(2), { timeout: 15_000 });
});

test("no more wakes run at a time than the backend stands, whatever is asked for", async () => {
  await emptyQueue();
  const queue = open(database.url);
  const mayEnd = signal();
  let running = 0;
  const consumer = queue.consume(
    async () => {
      running += 1;
      await mayEnd.promise;
      return { kind: "done" };
    },
    { concurrency: postgresConcurrencyMax + 40, onError: () => undefined },
  );
  onTestFinished(async () => {
    mayEnd.resolve();
    await consumer.close(5_000);
    await queue.close();
  });

  await queue.wake(Array.from({ length: postgresConcurrencyMax + 20 }, () => newWake(0)));

  await vi.waitFor(() => expect(running).toBe(postgresConcurrencyMax), { timeout: 10_000 });
  expect(await queue.counts()).toMatchObject({ active: postgresConcurrencyMax, waiting: 20 });
});

/** A consumer that has taken `count` wakes and ends none of them before it is told to. */
async function holdWakes(count: number) {
  await emptyQueue();
  const queue = open(database.url);
  const mayEnd = signal();
  const taken: string[] = [];
  const errors: Error[] = [];
  const consumer = queue.consume(
    async ({ executionId }) => {
      taken.push(executionId);
      await mayEnd.promise;
      return { kind: "done" };
    },
    { concurrency: count, onError: (error) => errors.push(error) },
  );
  onTestFinished(async () => {
    mayEnd.resolve();
    await consumer.close(5_000);
    await queue.close();
  });
  await queue.wake(Array.from({ length: count }, () => newWake(0)));
  await vi.waitFor(() => expect(taken.length).toBe(count), { timeout: 10_000 });
  return { queue, endAll: mayEnd.resolve, errors };
}

test("jobs that end in the same moment share a transaction", async () => {
  const { queue, endAll } = await holdWakes(40);

  endAll();

  await vi.waitFor(async () => expect(await queue.counts()).toMatchObject({ active: 0, completed: 0 }), {
    timeout: 10_000,
  });
  const { rows } = await database.pool.query(
    "SELECT count(*)::int AS ended, count(DISTINCT xmin::text) < 10 AS together FROM bullmq.event WHERE event = 'completed'",
  );
  expect(rows).toEqual([{ ended: 40, together: true }]);
});

test("four workers that put jobs back all the time never lock each other out", async () => {
  await emptyQueue();
  const deadlocks = async () => {
    const { rows } = await database.pool.query<{ count: string }>(
      "SELECT deadlocks AS count FROM pg_stat_database WHERE datname = current_database()",
    );
    return Number(rows[0]?.count);
  };
  const before = await deadlocks();
  const runs = new Map<string, number>();
  const workers = Array.from({ length: 4 }, () => {
    const queue = open(database.url);
    const consumer = queue.consume(
      async ({ executionId }) => {
        const run = (runs.get(executionId) ?? 0) + 1;
        runs.set(executionId, run);
        return run < 3 ? { kind: "again", at: new Date(Date.now() + 20) } : { kind: "done" };
      },
      { concurrency: 60, onError: () => undefined },
    );
    return { queue, consumer };
  });

  const jobs = 1_500;
  await workers[0]?.queue.wake(Array.from({ length: jobs }, () => newWake(0)));
  await vi.waitFor(() => expect([...runs.values()].filter((run) => run >= 3)).toHaveLength(jobs), { timeout: 60_000 });

  // A connection says what it met when it ends, if not before.
  await Promise.all(
    workers.map(async ({ queue, consumer }) => {
      await consumer.close(5_000);
      await queue.close();
    }),
  );
  expect((await deadlocks()) - before).toBe(0);
  expect([...runs.values()].every((run) => run === 3)).toBe(true);
}, 90_000);

test("a job that was taken away keeps none of those from ending that end with it", async () => {
  const { queue, endAll, errors } = await holdWakes(10);
  await database.pool.query(
    "UPDATE bullmq.job SET lock_token = 'of somebody else' WHERE id = (SELECT min(id) FROM bullmq.job)",
  );

  endAll();

  await vi.waitFor(async () => expect(await queue.counts()).toMatchObject({ active: 1, waiting: 0, completed: 0 }), {
    timeout: 5_000,
  });
  await vi.waitFor(() =>
    expect(new Set(errors.map(({ message }) => message))).toEqual(new Set([expect.stringMatching(/^Lock mismatch/)])),
  );
});

test("a database that was never migrated is named, and works once it was", async () => {
  await database.pool.query("DROP SCHEMA bullmq CASCADE");
  const queue = open(database.url);
  const errors: Error[] = [];
  const ran = signal();
  const consumer = queue.consume(
    async () => {
      ran.resolve();
      return { kind: "done" };
    },
    { concurrency: 2, onError: (error) => errors.push(error) },
  );
  onTestFinished(async () => {
    await consumer.close(2_000);
    await queue.close();
  });

  expect((await queue.check()).problems).toEqual([expect.stringMatching(/dripline migrate/)]);
  await expect(queue.wake([newWake(0)])).rejects.toThrow();
  await vi.waitFor(() => expect(errors.length).toBeGreaterThanOrEqual(2), { timeout: 5_000 });
  // A worker that cannot fetch says so about once a second; before it paused it said so 100 times.
  expect(errors.length).toBeLessThan(10);

  await Promise.all([migratePostgresQueue(database.url), migratePostgresQueue(database.url)]);
  await queue.wake([newWake(0)]);
  await ran.promise;
  expect((await queue.check()).problems).toEqual([]);
});
