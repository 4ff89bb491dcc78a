import { once } from "node:events";
import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import { wakeConsumer, wakeProcessor, within, workerOptions } from "./consume-wakes.ts";
import { applyQueueSettings, eventsKeptMax, pausedWarning } from "./queue-settings.ts";
import { judgeRedisInfo } from "./redis-health.ts";
import { wakeJobBatches, wakeQueueName } from "./wake-jobs.ts";
import type { QueueHealth, WakeQueue } from "./wake-queue.ts";

export type RedisWakeQueueOptions = {
  /** `redis://` or `rediss://` (TLS), with user, password and database number where needed. */
  url: string;
  now: () => Date;
  /** A producer only wakes; asking it to consume is a mistake in the program and throws. */
  role: "producer" | "worker";
  /** Start of every key, for several installations in one server. The braces let it run on a Redis Cluster too. */
  prefix?: string;
};

/** A request must not hang because the queue does: the row is written anyway, and a sweep finds it. */
const producerTimeoutMilliseconds = 1_500;
const reconnectMillisecondsMax = 2_000;
const closeMilliseconds = 1_000;

/**
 * A WakeQueue on Redis or Valkey. Connects in the background: this returns at once, also when the server is down, and
 * recovers by itself when it comes (back).
 */
export function openRedisWakeQueue({ url, now, role, prefix = "{dripline}" }: RedisWakeQueueOptions): WakeQueue {
  const retryStrategy = (times: number) => Math.min(times * 100, reconnectMillisecondsMax);
  // These four, with the two skip… of the queue, are what makes `add` fail fast when the server is down at the start
  // or later, hangs, or comes back: without skipVersionCheck BullMQ remembers the first failure for ever.
  const producer = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    commandTimeout: producerTimeoutMilliseconds,
    connectTimeout: producerTimeoutMilliseconds,
    retryStrategy,
    connectionName: `dripline-${role}`,
  });
  // Without a listener each failed attempt to connect is printed; callers hear of it from the call that failed.
  producer.on("error", () => undefined);
  const queue = new Queue(wakeQueueName, {
    connection: producer,
    prefix,
    skipWaitingForReady: true,
    skipVersionCheck: true,
    streams: { events: { maxLen: eventsKeptMax } },
  });
  queue.on("error", () => undefined);
  // A server that restarted without its data also lost the settings; the sweep repeats this if it fails here.
  producer.on("ready", () => void applyQueueSettings(queue.getBackend()).catch(() => undefined));

  const connected = () => untilConnected(producer);
  /** ioredis names its own settings in its errors ("max retries per request"); an operator wants to know the server. */
  const saying = async (what: string, work: () => Promise<unknown>) => {
    try {
      await work();
    } catch (cause) {
      throw new Error(`Redis at ${addressOf(producer)} ${what}: ${String(cause)}`, { cause });
    }
  };

  return {
    backend: "redis",
    async wake(wakes, options) {
      const batches = wakeJobBatches(wakes, now(), options?.rescue);
      if (batches.length > 0) await connected();
      for (const batch of batches) await saying("did not take the wakes", () => queue.addBulk(batch));
    },
    consume(handler, options) {
      if (role !== "worker") throw new Error('A queue opened as "producer" does not consume');
      const worker = new Worker(wakeQueueName, wakeProcessor(handler, options, now), {
        ...workerOptions(options),
        prefix,
        // A worker has nothing better to do than to wait for its server.
        connection: { url, maxRetriesPerRequest: null, retryStrategy, connectionName: "dripline-worker" },
      });
      return wakeConsumer(worker, options.onError, () => worker.waitUntilReady());
    },
    check: () => checkRedis(producer, connected, () => queue.isPaused()),
    async counts() {
      await connected();
      return queue.getJobCounts();
    },
    async applySettings() {
      await connected();
      await applyQueueSettings(queue.getBackend());
    },
    bullQueue: () => queue,
    async close() {
      await within(queue.close(), closeMilliseconds);
      await within(producer.quit(), closeMilliseconds);
      producer.disconnect();
    },
  };
}

/** Resolves when connected. A server that is known to be down is not waited for; one that is being dialled is. */
async function untilConnected(redis: Redis): Promise<void> {
  if (redis.status === "ready") return;
  let cause: unknown;
  if (redis.status === "connecting" || redis.status === "connect") {
    const signal = AbortSignal.timeout(producerTimeoutMilliseconds);
    try {
      // once() also ends, by throwing, at the "error" of an attempt that failed.
      await once(redis, "ready", { signal });
      return;
    } catch (error) {
      cause = error;
    }
  }
  throw new Error(`Redis at ${addressOf(redis)} cannot be reached: is it running, and is REDIS_URL right?`, { cause });
}

function addressOf({ options: { host, port } }: Redis): string {
  return `${host}:${port}`;
}

async function checkRedis(
  redis: Redis,
  connected: () => Promise<void>,
  isPaused: () => Promise<boolean>,
): Promise<QueueHealth> {
  try {
    await connected();
    const judged = judgeRedisInfo(await redis.info());
    const warnings = (await isPaused()) ? [...judged.warnings, pausedWarning] : judged.warnings;
    return { backend: "redis", isReachable: true, ...judged, warnings };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { backend: "redis", isReachable: false, version: undefined, problems: [problem], warnings: [] };
  }
}
