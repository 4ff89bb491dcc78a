import { once } from "node:events";
import { connect } from "node:net";
import { describeRedis, type RedisServer, readRedisUrl } from "@dripline/queue/redis-url";
import { UserError } from "./user-error.ts";

const millisecondsMax = 3_000;

/**
 * A worker waits for its Redis for as long as it takes. Somebody who has just typed a wrong address should not.
 * @throws UserError when nothing listens there; with several addresses, at none of them
 */
export async function requireRedis(redisUrl: string): Promise<void> {
  const read = readRedisUrl(redisUrl);
  if (!read.ok) throw new UserError(`REDIS_URL ${read.problem}`);
  try {
    await Promise.any(read.target.servers.map(requireListener));
  } catch (error) {
    throw new UserError(
      `No Redis answers at ${describeRedis(read.target)}. Start it, correct REDIS_URL, or unset it to keep the queue in PostgreSQL.`,
      { cause: error },
    );
  }
}

async function requireListener(server: RedisServer): Promise<void> {
  const socket = connect(server);
  try {
    await once(socket, "connect", { signal: AbortSignal.timeout(millisecondsMax) });
  } finally {
    socket.destroy();
  }
}
