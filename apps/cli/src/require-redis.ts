import { once } from "node:events";
import { connect } from "node:net";
import { UserError } from "./user-error.ts";

const millisecondsMax = 3_000;

/**
 * A worker waits for its Redis for as long as it takes. Somebody who has just typed a wrong address should not.
 * @throws UserError when nothing listens there
 */
export async function requireRedis(redisUrl: string): Promise<void> {
  const { hostname, port } = new URL(redisUrl);
  const socket = connect({ host: hostname.replace(/^\[|\]$/g, "") || "127.0.0.1", port: Number(port) || 6379 });
  try {
    await once(socket, "connect", { signal: AbortSignal.timeout(millisecondsMax) });
  } catch (error) {
    throw new UserError(
      `No Redis answers at ${hostname}:${port || 6379}. Start it, correct REDIS_URL, or unset it to keep the queue in PostgreSQL.`,
      { cause: error },
    );
  } finally {
    socket.destroy();
  }
}
