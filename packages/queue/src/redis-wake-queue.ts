import { Queue, type Telemetry, Worker } from "bullmq";
import { Cluster } from "ioredis";
import { wakeConsumer, wakeProcessor, within, workerOptions } from "./consume-wakes.ts";
import { explainRedisError, RedisUnusableError } from "./explain-redis-error.ts";
import { applyQueueSettings, eventsKeptMax, pausedWarning } from "./queue-settings.ts";
import { openRedis, type RedisClient, redisOptions, redisTarget, untilConnected } from "./redis-connection.ts";
import { judgeRedis } from "./redis-health.ts";
import { readRedisInfo } from "./redis-info.ts";
import { describeRedis, type RedisTarget } from "./redis-url.ts";
import { wakeJobBatches, wakeQueueName } from "./wake-jobs.ts";
import type { ConsumeOptions, QueueHealth, WakeConsumer, WakeQueue } from "./wake-queue.ts";

export type RedisWakeQueueOptions = {
  /** As `readRedisUrl` reads it: one server, Sentinels or a cluster, with TLS, user and password where needed. */
  url: string;
  now: () => Date;
  /** A producer only wakes; asking it to consume is a mistake in the program and throws. */
  role: "producer" | "worker";
  telemetry?: Telemetry | undefined;
  /** Start of every key, for several installations in one server. The braces keep all of them on one node of a cluster. */
  prefix?: string;
};

/** A request must not hang because the queue does: the row is written anyway, and a sweep finds it. */
const producerTimeoutMilliseconds = 1_500;
const closeMilliseconds = 1_000;

/**
 * A WakeQueue on Redis or Valkey. Connects in the background: this returns at once, also when the server is down, and
 * recovers by itself when it comes (back).
 *
 * @throws when the address is none
 */
export function openRedisWakeQueue({
  url,
  now,
  role,
  prefix = "{dripline}",
  telemetry,
}: RedisWakeQueueOptions): WakeQueue {
  const target = redisTarget(url);
  // The hurry, with the two skip… of the queue, is what makes `add` fail fast when the server is down at the start
  // or later, hangs, or comes back: without skipVersionCheck BullMQ remembers the first failure for ever.
  const producer = openRedis(target, {
    connectionName: `dripline-${role}`,
    hurry: { retriesMax: 1, answerMilliseconds: producerTimeoutMilliseconds },
  });
  const lastError = rememberError(producer);
  const traced = telemetry === undefined ? {} : { telemetry };
  const queue = new Queue(wakeQueueName, {
    connection: producer,
    prefix,
    skipWaitingForReady: true,
    skipVersionCheck: true,
    streams: { events: { maxLen: eventsKeptMax } },
    ...traced,
  });
  queue.on("error", () => undefined);
  // A server that restarted without its data also lost the settings; the sweep repeats this if it fails here.
  producer.on("ready", () => void applyQueueSettings(queue.getBackend()).catch(() => undefined));

  const connected = () => untilConnected(producer, target, { lastError, milliseconds: producerTimeoutMilliseconds });
  /** ioredis names its own settings in its errors ("max retries per request"); an operator wants to know the server. */
  const saying = async (what: string, work: () => Promise<unknown>) => {
    try {
      await work();
    } catch (cause) {
      throw new Error(`Redis at ${describeRedis(target)} ${what}: ${String(cause)}`, { cause });
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
      return consumeFrom(target, { prefix, ...traced }, wakeProcessor(handler, options, now), options);
    },
    check: () => checkRedis(producer, target, { connected, isPaused: () => queue.isPaused(), prefix }),
    async counts() {
      await connected();
      const [counts, isPaused] = await Promise.all([queue.getJobCounts(), queue.isPaused()]);
      const { waiting = 0, paused = 0 } = counts;
      // As the PostgreSQL backend says it: on Redis, BullMQ itself goes on to call them waiting.
      return isPaused ? { ...counts, waiting: 0, paused: waiting + paused } : counts;
    },
    async applySettings() {
      await connected();
      await applyQueueSettings(queue.getBackend());
    },
    bullQueue: () => queue,
    async close() {
      const closeBoth = async (): Promise<void> => {
        try {
          await queue.close();
        } finally {
          await producer.quit();
        }
      };
      await within(closeBoth(), closeMilliseconds);
      producer.disconnect();
    },
  };
}

/** A worker has nothing better to do than to wait for its server: its connections are not in a hurry. */
function consumeFrom(
  target: RedisTarget,
  ofQueue: { readonly prefix: string; readonly telemetry?: Telemetry },
  process: ReturnType<typeof wakeProcessor>,
  options: ConsumeOptions,
): WakeConsumer {
  const own = { connectionName: "dripline-worker" };
  // BullMQ makes its connections from options, except to a cluster: there it is given one, and closes only its copy.
  const connection = target.kind === "cluster" ? openRedis(target, own) : redisOptions(target, own);
  const worker = new Worker(wakeQueueName, process, { ...workerOptions(options), ...ofQueue, connection });
  const consumer = wakeConsumer(worker, options.onError, () => worker.waitUntilReady());
  if (!(connection instanceof Cluster)) return consumer;
  return {
    whenReady: consumer.whenReady,
    async close(graceMilliseconds) {
      const ended = await consumer.close(graceMilliseconds);
      connection.disconnect();
      return ended;
    },
  };
}

/** What went wrong since it was last connected, for whoever gives it a command meanwhile. */
function rememberError(client: RedisClient): () => Error | undefined {
  let last: Error | undefined;
  const remember = (error: Error) => {
    last = error;
  };
  client.on("error", remember);
  client.on("sentinelError", remember);
  client.on("ready", () => {
    last = undefined;
  });
  return () => last;
}

async function checkRedis(
  client: RedisClient,
  target: RedisTarget,
  queue: {
    readonly connected: () => Promise<void>;
    readonly isPaused: () => Promise<boolean>;
    readonly prefix: string;
  },
): Promise<QueueHealth> {
  try {
    await queue.connected();
    const judged = judgeRedis(await readRedisInfo(client, target), target.kind);
    const isUsable = judged.problems.length === 0;
    // A server whose memory or disk is full goes on answering whatever only reads.
    if (isUsable) await client.set(`${queue.prefix}:check`, "", "PX", 1_000);
    const warnings = isUsable && (await queue.isPaused()) ? [...judged.warnings, pausedWarning] : judged.warnings;
    return { backend: "redis", isReachable: true, ...judged, warnings };
  } catch (error) {
    const { isAnswer, message } = error instanceof RedisUnusableError ? error : explainRedisError(error, target);
    return { backend: "redis", isReachable: isAnswer, version: undefined, problems: [message], warnings: [] };
  }
}
