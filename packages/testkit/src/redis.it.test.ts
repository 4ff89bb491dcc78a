import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { describeRedis, ownRedis } from "./redis.ts";

describeRedis("the shared Redis", ({ url }) => {
  test("its logical database is empty before the first test", async () => {
    const client = new Redis(url);
    expect(await client.dbsize()).toBe(0);
    await client.quit();
  });

  test("it never throws keys away to save memory, as a queue needs it", async () => {
    const client = new Redis(url);
    expect(await client.config("GET", "maxmemory-policy")).toEqual(["maxmemory-policy", "noeviction"]);
    await client.quit();
  });

  test("a server of one's own can be flushed without disturbing the shared one", async (context) => {
    const own = await ownRedis();
    if (own === undefined) return context.skip("no redis-server on PATH");
    const [mine, shared] = [new Redis(own.url), new Redis(url)];
    await shared.set("kept", "yes");

    await mine.flushall();

    expect(await shared.get("kept")).toBe("yes");
    await Promise.all([mine.quit(), shared.quit()]);
    await own.stop();
  });
});
