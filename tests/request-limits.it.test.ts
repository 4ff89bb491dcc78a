import { createApiKey } from "@dripline/db/api-keys";
import { freePort } from "@dripline/embedded/free-port";
import { freshDatabase } from "@dripline/testkit/database";
import { describeRedis } from "@dripline/testkit/redis";
import { afterEach, expect, test } from "vitest";
import { type RunningProcess, startProcess } from "./child-process.ts";

/** The limit of a key over API processes of their own, set as an operator sets it. */
const database = await freshDatabase();
const started: RunningProcess[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((process) => process.end("SIGKILL")));
});

async function startApi(env: Record<string, string>): Promise<(key: string) => Promise<Response>> {
  const port = await freePort();
  const settings = { DRIPLINE_SECRET: "a secret of at least thirty-two characters", DATABASE_URL: database.url };
  started.push(await startProcess("api", { ...settings, API_PORT: String(port), ...env }));
  return (key) => fetch(`http://127.0.0.1:${port}/api/v1/me/`, { headers: { authorization: `Bearer ${key}` } });
}

async function newKey(): Promise<string> {
  return (await createApiKey(database.pool, { name: "test", now: new Date(), scopes: ["read"] })).key;
}

describeRedis("two processes with one Redis", ({ url }) => {
  test("answer together as many requests of a key as API_REQUESTS_PER_MINUTE says", async () => {
    const env = { REDIS_URL: url, API_REQUESTS_PER_MINUTE: "4" };
    const [first, second, key] = [await startApi(env), await startApi(env), await newKey()];
    const statuses = [];
    for (const ask of [first, second, first, second, first, second]) statuses.push((await ask(key)).status);

    expect(statuses).toEqual([200, 200, 200, 200, 429, 429]);
  });
});

test("without a setting the limit is far away; with 0 there is none, and no header speaks of one", async () => {
  const key = await newKey();
  const [byDefault, without] = [await startApi({}), await startApi({ API_REQUESTS_PER_MINUTE: "0" })];

  expect((await byDefault(key)).headers.get("ratelimit-limit")).toBe("30000");
  const answer = await without(key);
  expect(answer.headers.get("ratelimit-limit")).toBeNull();
  expect(await answer.json()).toMatchObject({ api_key: { requests_per_minute: null } });
});
