import { once } from "node:events";
import { Cluster, Redis } from "ioredis";
import { explainRedisError } from "./explain-redis-error.ts";
import { type RedisTarget, readRedisUrl } from "./redis-url.ts";

export type RedisClient = Redis | Cluster;

export type RedisConnectionOptions = {
  /** What CLIENT LIST shows. */
  connectionName: string;
  /** Commands fail instead of waiting: while there is no connection, after so many tries, after that time. */
  hurry?: { retriesMax: number; answerMilliseconds: number; connectMilliseconds?: number };
};

const reconnectMillisecondsMax = 2_000;
const retryStrategy = (times: number) => Math.min(times * 100, reconnectMillisecondsMax);

/** The target that `url` names. @throws with a sentence, without the password, when it is none */
export function redisTarget(url: string): RedisTarget {
  const read = readRedisUrl(url);
  if (!read.ok) throw new Error(`The address of Redis ${read.problem}`);
  return read.target;
}

/** Connects in the background, and again whenever the connection is lost. Errors are for whoever gives a command. */
export function openRedis(target: RedisTarget, options: RedisConnectionOptions): RedisClient {
  const client =
    target.kind === "cluster"
      ? new Cluster([...target.servers], clusterOptions(target, options))
      : new Redis(redisOptions(target, options));
  // Without a listener each failed attempt to connect is printed.
  client.on("error", () => undefined);
  return client;
}

/** For a single server, or the master that Sentinels know. */
export function redisOptions(target: RedisTarget, options: RedisConnectionOptions) {
  const { servers, sentinel, db, tls } = target;
  const common = {
    ...nodeOptions(target, options),
    db,
    retryStrategy,
    enableOfflineQueue: options.hurry === undefined,
  };
  if (sentinel === undefined) return { ...common, host: servers[0].host, port: servers[0].port };
  return {
    ...common,
    sentinels: [...servers],
    name: sentinel.master,
    ...(sentinel.username === undefined ? {} : { sentinelUsername: sentinel.username }),
    ...(sentinel.password === undefined ? {} : { sentinelPassword: sentinel.password }),
    ...(tls === undefined ? {} : { sentinelTLS: tls, enableTLSForSentinelMode: true }),
    sentinelRetryStrategy: retryStrategy,
    sentinelCommandTimeout: sentinelAnswerMilliseconds,
    // A master that hangs keeps its connections open: the Sentinels tell when another has taken its place.
    failoverDetector: true,
    // And one that has become a replica refuses what is written: ask the Sentinels again, and give it to the new one.
    reconnectOnError: (error: Error) => (error.message.startsWith("READONLY") ? (2 as const) : false),
  };
}

const sentinelAnswerMilliseconds = 1_500;

function clusterOptions(target: RedisTarget, options: RedisConnectionOptions) {
  return {
    redisOptions: nodeOptions(target, options),
    enableOfflineQueue: options.hurry === undefined,
    clusterRetryStrategy: retryStrategy,
    // A slot that moved is noticed by its answer; a master that hangs and was replaced gives none.
    slotsRefreshInterval: 5_000,
    // Certificates are for names, and ioredis would look them up and connect to the address.
    ...(target.tls === undefined ? {} : { dnsLookup: asItIs }),
  };
}

function asItIs(name: string, callback: (error: null, address: string) => void): void {
  callback(null, name);
}

function nodeOptions(
  { username, password, family, tls }: RedisTarget,
  { connectionName, hurry }: RedisConnectionOptions,
) {
  return {
    connectionName,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(family === undefined ? {} : { family }),
    ...(tls === undefined ? {} : { tls }),
    ...(hurry === undefined
      ? { maxRetriesPerRequest: null }
      : {
          maxRetriesPerRequest: hurry.retriesMax,
          commandTimeout: hurry.answerMilliseconds,
          connectTimeout: hurry.connectMilliseconds ?? hurry.answerMilliseconds,
        }),
  };
}

/**
 * Resolves when connected. A server that is known to be down is not waited for; one that is being dialled is.
 * @throws RedisUnusableError
 */
export async function untilConnected(
  client: RedisClient,
  target: RedisTarget,
  { lastError, milliseconds }: { lastError: () => Error | undefined; milliseconds: number },
): Promise<void> {
  if (client.status === "ready") return;
  let cause: unknown;
  if (client.status === "connecting" || client.status === "connect") {
    const signal = AbortSignal.timeout(milliseconds);
    try {
      // once() also ends, by throwing, at the "error" of an attempt that failed.
      await once(client, "ready", { signal });
      return;
    } catch (error) {
      cause = error;
    }
  }
  throw explainRedisError(lastError() ?? cause, target);
}
