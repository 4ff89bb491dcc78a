import { Redis } from "ioredis";
import { beforeAll, describe, inject } from "vitest";
import "./provided-services.ts";
import { type LocalRedis, redisProgram, startLocalRedis } from "./redis-server.ts";

/**
 * The run's Redis, in a logical database that no other test file uses at the same time and that is emptied before the
 * file's first test. `null` when there is no Redis (never so with CI=true). Call it at the top level of the file or of a
 * `describe`. A test that flushes or stops the whole server needs `ownRedis`.
 */
export function testRedis(): { url: string } | null {
  const redis = inject("services")?.redis;
  if (redis === undefined) throw new Error("Name the test file *.it.test.ts: services are started for those only.");
  if ("missing" in redis) return null;
  const url = new URL(redis.url);
  url.pathname = `/${poolSlot() % redis.databases}`;
  beforeAll(async () => {
    const client = new Redis(url.href);
    await client.flushdb().finally(() => client.disconnect());
  });
  return { url: url.href };
}

/** `describe` for what needs Redis. Without one its tests are reported as skipped, with the reason in their name. */
export function describeRedis(name: string, define: (redis: { url: string }) => void | Promise<void>): void {
  const redis = testRedis();
  if (redis === null) {
    describe.skip(`${name} [skipped: no Redis]`, () => define({ url: "redis://there-is-none.invalid" }));
  } else {
    describe(name, () => define(redis));
  }
}

/**
 * A Redis that belongs to the caller alone, to flush, stop and restart at will, with further options such as
 * `["--requirepass", "x"]`. The caller stops it. `undefined` when `redis-server` or `valkey-server` is on PATH.
 */
export async function ownRedis(options: readonly string[] = []): Promise<LocalRedis | undefined> {
  const program = await redisProgram(process.env);
  return program === undefined ? undefined : startLocalRedis(program, options);
}

// vitest numbers the workers that run at the same time from 1; each runs one test file at a time.
function poolSlot(): number {
  return Number(process.env.VITEST_POOL_ID ?? 0);
}
