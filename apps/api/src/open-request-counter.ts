import { Redis } from "ioredis";

/** Every request waits for its count: a server that takes longer than this is not worth it. */
const answerMilliseconds = 250;
const reconnectMillisecondsMax = 2_000;

/**
 * A connection to the Redis or Valkey in which all API processes count requests together. Connects in the background and
 * comes back by itself; while it is down every command fails at once.
 */
export function openRequestCounter(url: string): Redis {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: answerMilliseconds,
    retryStrategy: (times) => Math.min(times * 100, reconnectMillisecondsMax),
    connectionName: "dripline-requests",
  });
  redis.on("error", () => undefined); // the request that could not be counted there says so
  return redis;
}
