import { assertSchemaCompatibility, LATEST_SCHEMA_VERSION, type PgPool, Queue, type Telemetry, Worker } from "bullmq";
import { wakeConsumer, wakeProcessor, within, workerOptions } from "./consume-wakes.ts";
import { countPostgresJobs } from "./count-postgres-jobs.ts";
import { createPatientPostgresBackend } from "./postgres-queue-backend.ts";
import { openPostgresQueuePool, PostgresUnreachableError } from "./postgres-queue-pool.ts";
import { postgresQueueSchema } from "./postgres-queue-schema.ts";
import { applyQueueSettings, eventsKeptMax, pausedWarning } from "./queue-settings.ts";
import { wakeJobBatches, wakeQueueName } from "./wake-jobs.ts";
import type { QueueHealth, WakeQueue } from "./wake-queue.ts";

export type PostgresWakeQueueOptions = {
  /** The database whose schema `bullmq` was made by `migratePostgresQueue`. */
  url: string;
  now: () => Date;
  /** A producer only wakes; asking it to consume is a mistake in the program and throws. */
  role: "producer" | "worker";
  telemetry?: Telemetry | undefined;
};

/**
 * Four processes of 120 ran 6,000 jobs on one queue, a third of them put back, without a deadlock and none twice. A wake that
 * runs twice is harmless, every write is fenced, only wasteful.
 */
export const postgresConcurrencyMax = 120;

/** Statements are short and wait for a connection; a worker also keeps one for LISTEN. */
const connectionsMax = { producer: 3, worker: 8 };
const postgresMajorMin = 15;
const closeMilliseconds = 1_000;
const readyPollMilliseconds = 500;

/**
 * A WakeQueue on PostgreSQL, for installations that do without Redis. Connects in the background: this returns at
 * once, also when the server is down, and recovers by itself. It never migrates; `migratePostgresQueue` does.
 */
export function openPostgresWakeQueue({ url, now, role, telemetry }: PostgresWakeQueueOptions): WakeQueue {
  const pool = openPostgresQueuePool(url, connectionsMax[role]);
  const traced = telemetry === undefined ? {} : { telemetry };
  const queue = new Queue(
    wakeQueueName,
    {
      connection: pool,
      streams: { events: { maxLen: eventsKeptMax } },
      ...traced,
    },
    createPatientPostgresBackend,
  );
  queue.on("error", () => undefined);

  return {
    backend: "postgres",
    async wake(wakes, options) {
      for (const batch of wakeJobBatches(wakes, now(), options?.rescue)) await queue.addBulk(batch);
    },
    consume(handler, options) {
      if (role !== "worker") throw new Error('A queue opened as "producer" does not consume');
      const worker = new Worker(
        wakeQueueName,
        wakeProcessor(handler, options, now),
        {
          ...workerOptions({ ...options, concurrency: Math.min(options.concurrency, postgresConcurrencyMax) }),
          ...traced,
          connection: pool,
        },
        createPatientPostgresBackend,
      );
      return wakeConsumer(worker, options.onError, () => untilReady(pool));
    },
    check: () => checkPostgres(pool, () => queue.isPaused()),
    counts: ({ upTo } = {}) => (upTo === undefined ? queue.getJobCounts() : countPostgresJobs(pool, upTo)),
    applySettings: () => applyQueueSettings(queue.getBackend()),
    // Bull Board takes a Queue on either backend; BullMQ's types tell them apart.
    bullQueue: () => queue as unknown as Queue,
    async close() {
      const closeBoth = async (): Promise<void> => {
        try {
          await queue.close();
        } finally {
          await pool.end();
        }
      };
      await within(closeBoth(), closeMilliseconds);
    },
  };
}

async function untilReady(pool: PgPool): Promise<void> {
  for (;;) {
    try {
      await assertSchemaCompatibility(pool, postgresQueueSchema);
      return;
    } catch (error) {
      if (!(error instanceof PostgresUnreachableError)) throw error;
      await new Promise((resolve) => setTimeout(resolve, readyPollMilliseconds));
    }
  }
}

async function checkPostgres(pool: PgPool, isPaused: () => Promise<boolean>): Promise<QueueHealth> {
  const health: QueueHealth = {
    backend: "postgres",
    isReachable: false,
    version: undefined,
    problems: [],
    warnings: [],
  };
  try {
    const { rows } = await pool.query<{ version: string }>("SELECT current_setting('server_version') AS version");
    const version = rows[0]?.version ?? "unknown";
    const problems: string[] = [];
    if (!(Number.parseInt(version, 10) >= postgresMajorMin)) {
      problems.push(`PostgreSQL ${version} is too old: install PostgreSQL ${postgresMajorMin} or later.`);
    }
    problems.push(...(await schemaProblems(pool)));
    const warnings = problems.length === 0 && (await isPaused()) ? [pausedWarning] : [];
    return { ...health, isReachable: true, version: `PostgreSQL ${version}`, problems, warnings };
  } catch (error) {
    return { ...health, problems: [error instanceof Error ? error.message : String(error)] };
  }
}

async function schemaProblems(pool: PgPool): Promise<string[]> {
  try {
    const version = await assertSchemaCompatibility(pool, postgresQueueSchema);
    if (version >= LATEST_SCHEMA_VERSION) return [];
    return [`The queue's tables are of version ${version} and not ${LATEST_SCHEMA_VERSION}: run "dripline migrate".`];
  } catch (error) {
    if (error instanceof PostgresUnreachableError) throw error;
    return [`The queue's tables cannot be used: run "dripline migrate". (${String(error)})`];
  }
}
