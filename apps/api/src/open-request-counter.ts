import { openRedis, type RedisClient, redisTarget } from "@dripline/queue/redis-connection";

/** Every request waits for its count: a server that takes longer than this is not worth it. */
const answerMilliseconds = 250;
const connectMilliseconds = 10_000;

/**
 * A connection to the Redis or Valkey in which all API processes count requests together. Connects in the background and
 * comes back by itself; while it is down every command fails at once, and the request that could not be counted says so.
 */
export function openRequestCounter(url: string): RedisClient {
  return openRedis(redisTarget(url), {
    connectionName: "dripline-requests",
    hurry: { retriesMax: 0, answerMilliseconds, connectMilliseconds },
  });
}
