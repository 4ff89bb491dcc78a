import { randomUUID } from "node:crypto";
import { openRedisWakeQueue } from "./redis-wake-queue.ts";
import { testRedis } from "./testing/redis.ts";
import { wakeQueueConformance } from "./wake-queue.conformance.ts";

const redis = testRedis();

if (redis !== null) {
  wakeQueueConformance("a WakeQueue on Redis", async () =>
    openRedisWakeQueue({ url: redis.url, now: () => new Date(), role: "worker", prefix: `test-${randomUUID()}` }),
  );
}
