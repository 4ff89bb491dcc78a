import type { RedisClient } from "@dripline/queue/redis-connection";
import { OutageProxy } from "@dripline/queue/testing/outage-proxy";
import { freshDatabase } from "@dripline/testkit/database";
import { describeRedis } from "@dripline/testkit/redis";
import { ownCluster } from "@dripline/testkit/redis-forms";
import { waitFor } from "@dripline/testkit/wait-for";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { openRequestCounter } from "./open-request-counter.ts";
import type { RequestLimits } from "./request-limits.ts";
import { expectProblem, makers } from "./testing/make.ts";
import { type Answer, startApi, type TestApi, testNow } from "./testing/start-api.ts";

const { url } = await freshDatabase();
/** Without limits, for what prepares a test. */
const free = await startApi(url);
const make = makers(free);

let now = testNow;
const start = (limits: Partial<RequestLimits>) =>
  startApi(url, { now: () => now, requestLimits: { perKeyMax: null, perStrangerMax: null, redis: null, ...limits } });

const newKey = async (fields: object = {}) => (await make.apiKey(fields)).key as string;
const ask = (api: TestApi, key: string | null, path = "/api/v1/contacts/") => api.send("GET", path, { key });

async function statuses(api: TestApi, key: string | null, times: number): Promise<number[]> {
  const answers = [];
  for (let time = 0; time < times; time++) answers.push((await ask(api, key)).status);
  return answers;
}

/** What an answer says of the limit. */
function told({ headers }: Answer): Record<string, string | null> {
  return { limit: headers.get("ratelimit-limit"), remaining: headers.get("ratelimit-remaining") };
}

function expectLimited(answer: Answer, limit: number): void {
  expectProblem(answer, 429, "rate_limited");
  expect(told(answer)).toEqual({ limit: String(limit), remaining: "0" });
  const [reset, retryAfter] = ["ratelimit-reset", "retry-after"].map((name) => Number(answer.headers.get(name)));
  expect(reset).toBeGreaterThan(0);
  expect(reset).toBeLessThanOrEqual(60);
  expect(retryAfter).toBe(reset);
}

afterEach(() => void vi.useRealTimers());

describe("a key", async () => {
  const api = await start({ perKeyMax: 3 });

  test("is told how many requests it has left, refused when it has none, and let in again a minute later", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const key = await newKey();
    for (const remaining of ["2", "1", "0"]) {
      const answer = await ask(api, key);
      expect(answer.status).toBe(200);
      expect(told(answer)).toEqual({ limit: "3", remaining });
      expect(answer.headers.get("ratelimit-reset")).toBe("60");
      expect(answer.headers.get("retry-after")).toBeNull();
    }
    expectLimited(await ask(api, key), 3);

    vi.setSystemTime(Date.now() + 60_000);
    expect(told(await ask(api, key))).toEqual({ limit: "3", remaining: "2" });
  });

  test("uses up nothing of another key's", async () => {
    await statuses(api, await newKey(), 4);
    expect(await statuses(api, await newKey(), 4)).toEqual([200, 200, 200, 429]);
  });

  test("has its own limit in place of the installation's, and both are told by me/", async () => {
    const [plain, generous] = [await newKey(), await newKey({ requests_per_minute: 5 })];

    expect(await statuses(api, generous, 6)).toEqual([200, 200, 200, 200, 200, 429]);
    expect((await ask(api, plain, "/api/v1/me/")).body.api_key.requests_per_minute).toBe(3);
    const other = await newKey({ requests_per_minute: 5 });
    expect((await ask(api, other, "/api/v1/me/")).body.api_key.requests_per_minute).toBe(5);
  });

  test("is held to a limit of its own where the installation has none", async () => {
    const unlimited = await start({});
    const [plain, held] = [await newKey(), await newKey({ requests_per_minute: 1 })];

    expect(await statuses(unlimited, held, 2)).toEqual([200, 429]);
    const answer = await ask(unlimited, plain);
    expect(answer.status).toBe(200);
    expect(told(answer)).toEqual({ limit: null, remaining: null });
  });

  test("counts whatever becomes of the request, and writes nothing beyond the limit", async () => {
    const key = await newKey({ scopes: ["write"] });
    const company = { key, body: { name: "Beyond" } };
    await ask(api, key, "/api/v1/contacts/nonsense/");
    await ask(api, key, "/api/v1/users/"); // a scope is missing
    await api.send("POST", "/api/v1/companies/", { key, body: "{" });

    expectLimited(await api.send("POST", "/api/v1/companies/", company), 3);
    expect((await free.get("/api/v1/companies/?search=Beyond")).body.results).toEqual([]);
  });
});

describe("without a valid key", async () => {
  const api = await start({ perStrangerMax: 3 });
  const key = await newKey();

  test("an address is refused after its number of requests; a valid key from there is not, and its own do not count", async () => {
    expect(await statuses(api, key, 5)).toEqual([200, 200, 200, 200, 200]);
    expect(await statuses(api, null, 2)).toEqual([401, 401]);
    expect((await ask(api, `${key.slice(0, 12)}${"0".repeat(40)}`)).status).toBe(401);

    expectLimited(await ask(api, "nonsense"), 3);
    expect((await ask(api, key)).status).toBe(200);
    const form = { "content-type": "application/x-www-form-urlencoded" };
    const login = (apiKey: string) =>
      api.send("POST", "/ops/login", { key: null, body: `api_key=${apiKey}`, headers: form });
    expectLimited(await login("nonsense"), 3);
    expect((await login(free.key)).status).toBe(303);
  });

  test("what is open to everybody is not counted: health, unsubscribing, the documentation", async () => {
    await statuses(api, null, 4);
    for (const path of ["/health/live", "/health/ready", "/docs", "/openapi.json"]) {
      for (let time = 0; time < 4; time++) expect((await ask(api, null, path)).status, path).toBe(200);
    }
    for (let time = 0; time < 4; time++) expect((await ask(api, null, "/u/nonsense")).status).toBe(404);
  });
});

describeRedis("with Redis", async ({ url: redisUrl }) => {
  const { proxy, url: through } = await OutageProxy.to(redisUrl, 6379);
  const open = (to: string) => {
    const redis = openRequestCounter(to);
    afterAll(() => redis.disconnect());
    return redis;
  };
  const ready = (redis: RedisClient) =>
    waitFor(async () => redis.status === "ready", { timeoutMilliseconds: 10_000, describe: "Redis to be connected" });
  const [redis, cut] = [open(redisUrl), open(through)];
  const [first, second] = [await start({ perKeyMax: 4, redis }), await start({ perKeyMax: 4, redis: cut })];
  const admin = new Redis(redisUrl);
  afterAll(async () => {
    admin.disconnect();
    await proxy.goDown();
  });

  beforeEach(async () => {
    now = new Date(now.getTime() + 3_600_000); // nobody counts alone any more
    await ready(redis);
    await ready(cut);
  });
  test("two processes count together, and what they counted is forgotten after the minute", async () => {
    const key = await newKey();
    const answers = [];
    for (let time = 0; time < 3; time++) answers.push(await ask(first, key), await ask(second, key));

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 429, 429]);
    expect(answers.map((answer) => told(answer).remaining)).toEqual(["3", "2", "1", "0", "0", "0"]);
    expectLimited(await ask(first, key), 4);
    const kept = await admin.keys("{dripline}:requests:*");
    expect(kept.length).toBeGreaterThan(0);
    for (const name of kept) expect(await admin.pttl(name)).toBeGreaterThan(0);
    expect(kept.join()).not.toContain(key.slice(12));
  });

  test("that is a cluster, two processes count together as well", async (context) => {
    const cluster = await ownCluster();
    if (cluster === undefined) return context.skip("no redis-server or valkey-server on PATH");
    onTestFinished(() => cluster.stop());
    const [one, other] = [open(cluster.url), open(cluster.url)];
    await Promise.all([ready(one), ready(other)]);
    const [here, there] = [await start({ perKeyMax: 4, redis: one }), await start({ perKeyMax: 4, redis: other })];
    const key = await newKey();
    expect(told(await ask(here, key)).remaining).toBe("3");
    expect(told(await ask(there, key)).remaining).toBe("2");
  });

  test("that was flushed, counting begins anew, and works", async () => {
    const key = await newKey();
    await statuses(first, key, 2);
    await admin.flushdb();
    await admin.script("FLUSH");
    expect(await statuses(first, key, 5)).toEqual([200, 200, 200, 200, 429]);
  });

  const outages: [string, { begin(): Promise<void> | void; end(): Promise<void> | void }][] = [
    ["refuses connections", { begin: () => proxy.goDown(), end: () => proxy.goUp() }],
    ["hangs", { begin: () => proxy.hang(), end: () => proxy.goOn() }],
  ];

  test.each(outages)(
    "that %s, requests are answered all the same, each process counting for itself until Redis is back",
    async (_, outage) => {
      const key = await newKey();
      expect(told(await ask(first, key)).remaining).toBe("3");
      expect(told(await ask(second, key)).remaining).toBe("2");
      await outage.begin();

      const lines = second.log.length;
      expect(await statuses(second, key, 5)).toEqual([200, 200, 200, 200, 429]);
      // One wait for an answer at most, not one for each request.
      const complaints = second.log.slice(lines).filter((line) => line.includes("does not count requests"));
      expect(complaints.length).toBeLessThanOrEqual(1);
      expect(told(await ask(first, key)).remaining).toBe("1");

      await outage.end();
      await ready(cut);
      now = new Date(now.getTime() + 5_000);
      const other = await newKey();
      await ask(first, other);
      expect(told(await ask(second, other)).remaining).toBe("2");
    },
  );

  test("that was never there, the API starts and answers", async () => {
    const nowhere = open("redis://127.0.0.1:1");
    const api = await start({ perKeyMax: 2, redis: nowhere });
    expect(await statuses(api, await newKey(), 3)).toEqual([200, 200, 429]);
  });
});
