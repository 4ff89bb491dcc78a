import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { freePort, isPortFree } from "@dripline/embedded/free-port";
import { nodeFlags } from "@dripline/runtime/node-flags";
import { freshDatabase } from "@dripline/testkit/database";
import { waitFor } from "@dripline/testkit/wait-for";
import { afterEach, beforeEach, expect, test } from "vitest";
import { launchProgram, type RunningProcess } from "./child-process.ts";

/** API and worker in one container: real processes, real signals. */
const database = await freshDatabase();
const waitMilliseconds = 30_000;

let port: number;
let env: Record<string, string>;
const started: RunningProcess[] = [];

beforeEach(async () => {
  port = await freePort();
  env = {
    DATABASE_URL: database.url,
    SMTP_URL: "smtp://127.0.0.1:2525",
    MAIL_FROM: "Acme <hello@acme.example>",
    DRIPLINE_SECRET: "a secret of at least thirty-two characters",
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    API_PORT: String(port),
  };
});

afterEach(async () => {
  for (const all of started) killAll(pidsOf(all, "worker").concat(pidsOf(all, "api")));
  await Promise.all(started.splice(0).map((process) => process.end("SIGKILL")));
});

function launchAll(): RunningProcess {
  const process = launchProgram("../scripts/role.mjs", env, ["all"]);
  started.push(process);
  return process;
}

async function startAll(): Promise<RunningProcess> {
  const process = launchAll();
  await waitFor(() => lines(process).some(({ role, msg }) => role === "all" && msg === "ready"), {
    timeoutMilliseconds: waitMilliseconds,
    describe: "both to be ready",
  }).catch((cause: unknown) => {
    throw new Error(`they said only:\n${process.output()}`, { cause });
  });
  return process;
}

interface Line {
  readonly role: string;
  readonly pid: number;
  readonly msg: string;
}

function lines(process: RunningProcess): Line[] {
  return process
    .output()
    .split("\n")
    .filter((line) => line.startsWith("{") && line.endsWith("}"))
    .map((line) => JSON.parse(line) as Line);
}

/** Of every process of that role that got ready, in that order. */
function pidsOf(process: RunningProcess, role: string): number[] {
  return lines(process)
    .filter((line) => line.role === role && line.msg === "ready")
    .map(({ pid }) => pid);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function killAll(pids: readonly number[]): void {
  for (const pid of pids.filter(isAlive)) process.kill(pid, "SIGKILL");
}

async function twoFreePorts(): Promise<number> {
  for (;;) {
    const first = await freePort();
    if (await isPortFree(first + 1)) return first;
  }
}

async function isHealthy(role: string): Promise<boolean> {
  return (await launchProgram("../scripts/healthcheck.mjs", env, [role]).ended()).code === 0;
}

test("API and worker run together, and SIGTERM ends both in order, with exit code 0", async () => {
  const all = await startAll();
  expect(await isHealthy("all")).toBe(true);
  const pids = [...pidsOf(all, "api"), ...pidsOf(all, "worker")];
  expect(pids).toHaveLength(2);
  for (const pid of pids) expect(await readFile(`/proc/${pid}/cmdline`, "utf8")).toContain(nodeFlags.join("\0"));

  expect(await all.end("SIGTERM"), all.output()).toEqual({ code: 0, signal: null });
  expect(
    lines(all)
      .filter(({ msg }) => msg === "stopped")
      .map(({ role }) => role)
      .toSorted(),
  ).toEqual(["all", "api", "worker"]);
  expect(pids.filter(isAlive)).toEqual([]);
  expect(await isHealthy("all")).toBe(false);
});

test("each answers on a listener of its own, and one that hangs makes the container unhealthy, with the reason", async () => {
  const first = await twoFreePorts();
  env.METRICS_PORT = String(first);
  const all = await startAll();
  const metricsAt = async (at: number) => (await fetch(`http://127.0.0.1:${at}/metrics`)).text();
  expect(await metricsAt(first)).toContain('role="api"');
  expect(await metricsAt(first + 1)).toContain('role="worker"');
  expect(await isHealthy("all")).toBe(true);

  const [worker = 0] = pidsOf(all, "worker");
  process.kill(worker, "SIGSTOP");
  const check = launchProgram("../scripts/healthcheck.mjs", env, ["all"]);
  expect((await check.ended()).code).toBe(1);
  expect(check.output()).toContain(`http://127.0.0.1:${first + 1}/health: no answer in time`);
  expect(await isHealthy("api")).toBe(true);
  process.kill(worker, "SIGCONT");
  expect(await isHealthy("all")).toBe(true);
  expect(await all.end("SIGTERM"), all.output()).toEqual({ code: 0, signal: null });
});

test("a worker that is killed is started again, and the API goes on as it was", async () => {
  const all = await startAll();
  killAll(pidsOf(all, "worker"));
  await waitFor(() => pidsOf(all, "worker").length === 2, {
    timeoutMilliseconds: waitMilliseconds,
    describe: "another worker",
  });
  expect(await isHealthy("api")).toBe(true);
  expect(pidsOf(all, "api")).toHaveLength(1);
  expect(await all.end("SIGTERM"), all.output()).toEqual({ code: 0, signal: null });
});

test("a worker that dies again and again ends the API as well, with exit code 1", async () => {
  const all = await startAll();
  let isOver = false;
  const end = all.ended().finally(() => (isOver = true));
  await waitFor(
    () => {
      killAll(pidsOf(all, "worker"));
      return isOver;
    },
    { timeoutMilliseconds: 90_000, describe: "it to give up" },
  );
  expect(await end, all.output()).toEqual({ code: 1, signal: null });
  expect(all.output()).toContain("the worker ended 6 times in a row (signal SIGKILL): giving up");
  expect(lines(all).some(({ role, msg }) => role === "api" && msg === "stopped")).toBe(true);
}, 120_000);

test("an API that cannot start ends the worker as well, with exit code 1", async () => {
  const taken = createServer().listen(port, "127.0.0.1");
  try {
    const all = launchAll();
    expect(await all.ended(), all.output()).toEqual({ code: 1, signal: null });
    expect(all.output()).toContain("another program listens there");
    expect(all.output()).toContain("the API ended before it was ready (exit code 1): giving up");
    expect(pidsOf(all, "worker").filter(isAlive)).toEqual([]);
  } finally {
    taken.close();
  }
});

test("what is wrong with the settings of either is told at once, and nothing is started", async () => {
  const { SMTP_URL: _, ...rest } = env;
  env = { ...rest, DRIPLINE_SECRET: "short", API_PORT: "none" };
  const all = launchAll();
  expect(await all.ended()).toEqual({ code: 1, signal: null });
  const told = all.output().trim().split("\n");
  expect(told[0]).toMatch(/^3 settings are/);
  for (const variable of ["SMTP_URL", "DRIPLINE_SECRET", "API_PORT"]) {
    expect(told.filter((line) => line.trim().startsWith(`${variable} `))).toHaveLength(1);
  }
  expect(lines(all)).toEqual([]);
});
