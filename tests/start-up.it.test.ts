import { once } from "node:events";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { doctor } from "@dripline/cli/commands/doctor";
import { freePort } from "@dripline/embedded/free-port";
import { OutageProxy } from "@dripline/queue/testing/outage-proxy";
import { freshDatabase } from "@dripline/testkit/database";
import { describeRedis, ownRedis } from "@dripline/testkit/redis";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import { launchProcess, type RunningProcess } from "./child-process.ts";

/** Real processes on real services that are wrong in one way each. */
const database = await freshDatabase();
const roles = ["api", "worker"] as const;

const started: RunningProcess[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((process) => process.end("SIGKILL")));
});

async function launch(role: "api" | "worker", env: Record<string, string> = {}, nodeArguments: string[] = []) {
  const process = launchProcess(
    role,
    {
      DATABASE_URL: database.url,
      SMTP_URL: "smtp://127.0.0.1:2525",
      MAIL_FROM: "Acme <hello@acme.example>",
      DRIPLINE_SECRET: "a secret of at least thirty-two characters",
      API_PORT: String(await freePort()),
      ...env,
    },
    nodeArguments,
  );
  started.push(process);
  return process;
}

/** It ends with 1, its last words say why and what to do, both in the log and on standard error, and no stack trace. */
async function expectRefusal(process: RunningProcess, what: string, remedy: string): Promise<void> {
  expect(await process.ended(), process.output()).toEqual({ code: 1, signal: null });
  const lines = process.output().trim().split("\n");
  const entries = lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  const isTold = (text: string) => text.includes(what) && text.includes(remedy);
  expect(
    lines.some((line) => !line.startsWith("{") && isTold(line)),
    process.output(),
  ).toBe(true);
  expect(
    entries.some(({ level, msg }) => level === "fatal" && isTold(msg)),
    process.output(),
  ).toBe(true);
  expect(process.output()).not.toMatch(/^\s+at /m);
}

async function doctorSays(env: Record<string, string> = {}, now = () => new Date()): Promise<string> {
  const said: string[] = [];
  const log = vi.spyOn(console, "log").mockImplementation((line: string) => void said.push(line));
  await doctor({ env: { DATABASE_URL: database.url, ...env }, directory: "/nowhere", json: false, now });
  log.mockRestore();
  return said.join("\n");
}

describe("a database", () => {
  test.each(roles)("without its tables is refused by the %s, with the command that makes them", async (role) => {
    const url = await emptyDatabase();
    await expectRefusal(await launch(role, { DATABASE_URL: url }), "older than this version", 'run "dripline migrate"');
    expect(await doctorSays({ DATABASE_URL: url })).toContain('run "dripline migrate"');
  });

  test.each(roles)("of a newer version is refused by the %s", async (role) => {
    await database.pool.query(
      "insert into drizzle.__drizzle_migrations (hash, created_at) values ('of the future', 9999999999999)",
    );
    try {
      await expectRefusal(await launch(role), "newer than this version", "install the newer version");
      expect(await doctorSays()).toContain("install the newer version");
    } finally {
      await database.pool.query("delete from drizzle.__drizzle_migrations where hash = 'of the future'");
    }
  });

  test.each(roles)("whose tables of the queue are missing is refused by the %s", async (role) => {
    await database.pool.query("alter schema bullmq rename to away");
    try {
      await expectRefusal(await launch(role), "queue's tables", 'run "dripline migrate"');
      expect(await doctorSays()).toContain('run "dripline migrate"');
    } finally {
      await database.pool.query("alter schema away rename to bullmq");
    }
  });

  test("that refuses the password is refused in a sentence without it", async () => {
    const url = new URL(database.url);
    url.password = "mistyped";
    await expectRefusal(await launch("worker", { DATABASE_URL: url.href }), "refuses the user", "Check DATABASE_URL");
  });

  test.each(roles)("that is not there yet is waited for by the %s, which says so and goes on", async (role) => {
    const { proxy, url } = await OutageProxy.to(database.url, 5432);
    await proxy.goDown();
    const process = await launch(role, { DATABASE_URL: url });
    await process.says("waiting: No PostgreSQL answers at");
    await proxy.goUp();
    await process.says('"ready"');
    expect(await process.end("SIGTERM")).toEqual({ code: 0, signal: null });
    await proxy.goDown();
  });

  test.each(roles)("that is waited for does not keep the %s from stopping when it is told to", async (role) => {
    const process = await launch(role, { DATABASE_URL: "postgres://nobody@127.0.0.1:1/none" });
    await process.says("waiting: No PostgreSQL answers at");
    expect(await process.end("SIGTERM")).toEqual({ code: 0, signal: null });
  });
});

describe("a clock", () => {
  const preload = ["--import", fileURLToPath(new URL("skewed-clock.mjs", import.meta.url))];

  test.each([
    ["api", "7200", "7200 s ahead of"],
    ["worker", "-45", "45 s behind"],
  ] as const)("that differs from the database's is refused by the %s (%s s)", async (role, seconds, what) => {
    await expectRefusal(await launch(role, { SKEW_SECONDS: seconds }, preload), what, "NTP");
    expect(await doctorSays({}, () => new Date(Date.now() + Number(seconds) * 1_000))).toContain(what);
  });

  test("that is a few seconds off is not: NTP will put it right", async () => {
    const process = await launch("worker", { SKEW_SECONDS: "10" }, preload);
    await process.says('"ready"');
  });
});

describeRedis("a Redis", ({ url: redisUrl }) => {
  test.each(roles)("that may evict jobs is refused by the %s, with the setting", async (role) => {
    const redis = await ownRedis();
    if (redis === undefined) throw new Error("there is no redis-server on PATH");
    try {
      await command(redis.url, "CONFIG SET maxmemory-policy allkeys-lru");
      await expectRefusal(await launch(role, { REDIS_URL: redis.url }), "allkeys-lru", "set it to noeviction");
      expect(await doctorSays({ REDIS_URL: redis.url })).toContain("set it to noeviction");
    } finally {
      await redis.stop();
    }
  });

  test("that is not there yet is waited for by the worker, and the API starts without it", async () => {
    const { proxy, url } = await OutageProxy.to(redisUrl, 6379);
    await proxy.goDown();
    const [api, worker] = [await launch("api", { REDIS_URL: url }), await launch("worker", { REDIS_URL: url })];
    await api.says("starting without the queue");
    await api.says('"ready"');
    await worker.says("waiting: Redis at");
    expect(worker.output()).not.toContain('"ready"');
    await proxy.goUp();
    await worker.says('"ready"');
    expect(await worker.end("SIGTERM")).toEqual({ code: 0, signal: null });
    expect(await api.end("SIGTERM")).toEqual({ code: 0, signal: null });
    await proxy.goDown();
  });
});

/** A command that the client library of the product has no need of. */
async function command(url: string, line: string): Promise<void> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write(`${line}\r\n`);
  const [answer] = await once(socket, "data");
  socket.destroy();
  expect(String(answer)).toContain("+OK");
}

const emptied: string[] = [];
afterAll(async () => {
  for (const name of emptied) await database.pool.query(`drop database ${name} with (force)`);
});

async function emptyDatabase(): Promise<string> {
  const url = new URL(database.url);
  const name = `${url.pathname.slice(1)}_empty${emptied.length}`;
  await database.pool.query(`create database ${name}`);
  emptied.push(name);
  url.pathname = `/${name}`;
  return url.href;
}
