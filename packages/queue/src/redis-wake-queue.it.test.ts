import { randomUUID } from "node:crypto";
import { describeRedis, ownRedis } from "@dripline/testkit/redis";
import { Redis } from "ioredis";
import { expect, onTestFinished, test, vi } from "vitest";
import { openRedisWakeQueue } from "./redis-wake-queue.ts";
import { consumeInto } from "./testing/consume-into.ts";
import { OutageProxy } from "./testing/outage-proxy.ts";
import { newWake, wakeQueueConformance } from "./wake-queue.conformance.ts";
import type { WakeQueue } from "./wake-queue.ts";
import { wakeQueueOutages } from "./wake-queue-outages.conformance.ts";

const defaultPort = 6379;

function open(url: string, prefix = `test-${randomUUID()}`): WakeQueue {
  return openRedisWakeQueue({ url, now: () => new Date(), role: "worker", prefix });
}

describeRedis("Redis", (redis) => {
  wakeQueueConformance("a WakeQueue on Redis", async () => open(redis.url));

  wakeQueueOutages("a WakeQueue on Redis when the server is away", async () => {
    const prefix = `test-${randomUUID()}`;
    return { serverUrl: redis.url, defaultPort, open: (url) => open(url, prefix) };
  });

  test("a consumer and a producer go on after everything in Redis was deleted, the wakes of then included", async () => {
    const queue = open(redis.url);
    const seen: string[] = [];
    const consumer = consumeInto(seen, queue);
    await consumer.whenReady();
    const lost = newWake(3_600_000);
    await queue.wake([lost]);

    const client = new Redis(redis.url);
    await client.flushdb();
    await client.script("FLUSH");
    client.disconnect();

    expect(await queue.counts()).toMatchObject({ delayed: 0 });
    const later = newWake(200);
    await queue.wake([{ ...lost, at: new Date() }, later]);
    await vi.waitFor(() => expect(seen).toEqual([lost.executionId, later.executionId]), { timeout: 10_000 });
    await queue.applySettings();
    expect(await queue.bullQueue().getBackend().getQueueMetaField("opts.maxLenEvents")).toBe("1000");
  });

  test("a producer does not consume", async () => {
    const queue = openRedisWakeQueue({ url: redis.url, now: () => new Date(), role: "producer" });
    onTestFinished(() => queue.close());

    expect(() => queue.consume(async () => ({ kind: "done" }), { concurrency: 1, onError: () => undefined })).toThrow(
      /does not consume/,
    );
  });

  test("a consumer and a producer go on when an empty server takes the place of one that stopped", async (context) => {
    const first = await ownRedis();
    if (first === undefined) return context.skip("no redis-server or valkey-server on PATH");
    const { proxy, url } = await OutageProxy.to(first.url, defaultPort);
    onTestFinished(() => proxy.goDown());
    const queue = open(url);
    const seen: string[] = [];
    const consumer = consumeInto(seen, queue);
    await consumer.whenReady();
    const before = newWake(0);
    await queue.wake([before]);
    await vi.waitFor(() => expect(seen).toEqual([before.executionId]), { timeout: 10_000 });

    await first.stop();
    await expect(queue.wake([newWake(0)])).rejects.toThrow();
    const second = await ownRedis();
    onTestFinished(() => second?.stop());
    proxy.leadTo(second?.url ?? "", defaultPort);

    const after = newWake(0);
    await vi.waitFor(() => queue.wake([after]), { timeout: 10_000 });
    await vi.waitFor(() => expect(seen).toEqual([before.executionId, after.executionId]), { timeout: 10_000 });
  });

  test("check names an eviction policy that may drop jobs", async (context) => {
    const own = await ownRedis();
    if (own === undefined) return context.skip("no redis-server or valkey-server on PATH");
    onTestFinished(() => own.stop());
    const client = new Redis(own.url);
    await client.config("SET", "maxmemory-policy", "allkeys-lru");
    client.disconnect();
    const queue = open(own.url);
    onTestFinished(() => queue.close());

    const health = await queue.check();

    expect(health.isReachable).toBe(true);
    expect(health.problems).toEqual([expect.stringMatching(/allkeys-lru.*noeviction/)]);
  });
});
