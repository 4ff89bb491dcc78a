import type { Telemetry } from "bullmq";
import { openPostgresWakeQueue } from "./postgres-wake-queue.ts";
import { openRedisWakeQueue } from "./redis-wake-queue.ts";
import type { WakeQueue } from "./wake-queue.ts";

export type OpenWakeQueueOptions = {
  /** Set: Redis or Valkey. Undefined or empty: the PostgreSQL backend, in the schema `bullmq` of `databaseUrl`. */
  redisUrl?: string | undefined;
  databaseUrl: string;
  now: () => Date;
  role: "producer" | "worker";
  /** Follows jobs, from who adds them to what they do; see `job-telemetry.ts`. */
  telemetry?: Telemetry | undefined;
};

/** The queue this installation uses. The one place that knows there are two; never throws because a server is down. */
export function openWakeQueue({ redisUrl, databaseUrl, ...rest }: OpenWakeQueueOptions): WakeQueue {
  if (redisUrl !== undefined && redisUrl !== "") return openRedisWakeQueue({ url: redisUrl, ...rest });
  return openPostgresWakeQueue({ url: databaseUrl, ...rest });
}
