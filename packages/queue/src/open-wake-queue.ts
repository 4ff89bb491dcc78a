import { openPostgresWakeQueue } from "./postgres-wake-queue.ts";
import { openRedisWakeQueue } from "./redis-wake-queue.ts";
import type { WakeQueue } from "./wake-queue.ts";

export type OpenWakeQueueOptions = {
  /** Set: Redis or Valkey. Undefined or empty: the PostgreSQL backend, in the schema `bullmq` of `databaseUrl`. */
  redisUrl?: string | undefined;
  databaseUrl: string;
  now: () => Date;
  role: "producer" | "worker";
};

/** The queue this installation uses. The one place that knows there are two; never throws because a server is down. */
export function openWakeQueue({ redisUrl, databaseUrl, now, role }: OpenWakeQueueOptions): WakeQueue {
  if (redisUrl !== undefined && redisUrl !== "") return openRedisWakeQueue({ url: redisUrl, now, role });
  return openPostgresWakeQueue({ url: databaseUrl, now, role });
}
