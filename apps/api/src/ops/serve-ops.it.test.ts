import { createApiKey } from "@dripline/db/api-keys";
import { opsLink } from "@dripline/runtime/ops-link";
import { freshDatabase } from "@dripline/testkit/database";
import fastify from "fastify";
import { expect, test } from "vitest";
import { startApi, testNow, testSecret } from "../testing/start-api.ts";
import { serveOps } from "./serve-ops.ts";

const { url, pool } = await freshDatabase();
const api = await startApi(url);
const publicUrl = "http://127.0.0.1:4600";
const linkPath = (secret = testSecret, now = testNow) =>
  opsLink(publicUrl, secret, { now, validSeconds: 60 }).slice(publicUrl.length);
const open = (path: string, headers: Record<string, string> = {}, method = "GET") =>
  api.send(method, path, { key: null, headers });

async function cookieOf(path: string): Promise<string> {
  const answer = await open(path);
  expect(answer.status).toBe(200);
  return (answer.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
}

test("none of the board's routes answers somebody who is not signed in", async () => {
  const routes: { method: string; path: string }[] = [];
  const app = fastify();
  app.addHook("onRoute", ({ method, url: path }) => {
    for (const each of [method].flat()) routes.push({ method: each, path });
  });
  await serveOps(app, {
    database: api.database,
    queue: api.queue,
    now: () => testNow,
    secret: testSecret,
    publicUrl,
  } as never);
  await app.ready();
  const guarded = routes.filter(({ path }) => path !== "/ops/login");

  expect(guarded.length).toBeGreaterThan(40);
  for (const { method, path } of guarded) {
    const concrete = path.replaceAll(/:[A-Za-z]+/g, "dripline").replace("*", "js/main.js");
    expect(concrete).toMatch(/^\/ops/);
    const answer = await open(concrete, {}, method);
    expect.soft({ method, path, status: answer.status }).toEqual({ method, path, status: 401 });
  }
  await app.close();
});

test("whoever is not signed in learns how to get a link", async () => {
  const { body } = await open("/ops/queues");

  expect(body).toContain("dripline ops-link");
  expect(body).toContain('name="api_key"');
});

test("a link signs the browser in and leads to the board", async () => {
  const answer = await open(linkPath());

  expect(answer.headers.get("set-cookie")).toMatch(
    /^dripline_ops=[^;]+; Path=\/ops; Expires=[^;]+; HttpOnly; SameSite=Strict$/,
  );
  expect(answer.body).toContain('http-equiv="refresh" content="0;url=/ops/queues"');

  const cookie = (answer.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
  const board = await open("/ops/queues", { cookie });
  expect(board.status).toBe(200);
  expect(board.body).toContain("Dripline");
  const queues = await open("/ops/queues/api/queues", { cookie });
  expect(queues.status).toBe(200);
  expect(queues.body.queues).toHaveLength(1);
  const [script] = /static\/js\/[^"]+\.js/.exec(String(board.body)) ?? [""];
  expect((await open(`/ops/queues/${script}`, { cookie })).status).toBe(200);
});

test("behind https the cookie travels on https only", async () => {
  const secure = await startApi(url, { publicUrl: "https://mail.example.com" });

  const { headers } = await secure.send("GET", linkPath(), { key: null });

  expect(headers.get("set-cookie")).toContain("; Secure;");
});

test.each([
  ["of another secret", linkPath("another secret of the same length!!")],
  ["that is over", linkPath(testSecret, new Date(testNow.getTime() - 61_000))],
  ["that was cut off", linkPath().slice(0, -5)],
  ["without a token", "/ops/login?token="],
  ["with two tokens", `${linkPath()}&token=x`],
])("a link %s signs nobody in", async (_, path) => {
  const answer = await open(path);

  expect(answer.status).toBe(401);
  expect(answer.headers.get("set-cookie")).toBeNull();
});

test("a session ends with its link", async () => {
  let now = testNow;
  const ageing = await startApi(url, { now: () => now });
  const cookie = await cookieOf(linkPath());

  expect((await ageing.send("GET", "/ops/queues", { key: null, headers: { cookie } })).status).toBe(200);
  now = new Date(testNow.getTime() + 60_000);
  expect((await ageing.send("GET", "/ops/queues", { key: null, headers: { cookie } })).status).toBe(401);
});

test("an API key, pasted into the form, signs in; anything else does not", async () => {
  const form = { "content-type": "application/x-www-form-urlencoded" };
  const send = (body: string) => api.send("POST", "/ops/login", { key: null, headers: form, body });

  const answer = await send(`api_key=${api.key}`);
  expect(answer.status).toBe(303);
  expect(answer.headers.get("location")).toBe("/ops/queues");
  const cookie = (answer.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
  expect((await open("/ops/queues", { cookie })).status).toBe(200);

  for (const body of ["api_key=dk_wrong_0000000000000000", "api_key=", "other=1"]) {
    expect((await send(body)).status).toBe(401);
  }
});

test.each(["read", "enroll", "write"] as const)("a key with the scope %s does not open the queue", async (scope) => {
  const { key } = await createApiKey(pool, { name: scope, now: testNow, scopes: [scope] });
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const answer = await api.send("POST", "/ops/login", { key: null, headers, body: `api_key=${key}` });

  expect(answer.status).toBe(401);
  expect(answer.headers.get("set-cookie")).toBeNull();
  expect(answer.body).toContain("scope admin");
});

test("what changes something must come from our own pages", async () => {
  const cookie = await cookieOf(linkPath());
  const pause = (headers: Record<string, string>) =>
    open("/ops/queues/api/queues/dripline/pause", { cookie, ...headers }, "PUT").then(({ status }) => status);

  expect(await pause({ "sec-fetch-site": "same-site" })).toBe(403);
  expect(await pause({ "sec-fetch-site": "cross-site" })).toBe(403);
  expect(await pause({ origin: "http://127.0.0.1:8025" })).toBe(403);
  expect(await pause({ origin: "null" })).toBe(403);
  expect(await pause({ "sec-fetch-site": "same-origin" })).not.toBe(403);
  expect(await pause({ origin: api.url })).not.toBe(403);
});
