import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { isAlive } from "@dripline/embedded/process-identity";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type SupervisedProcess, superviseProcess } from "./supervised-process.ts";

let directory: string;
let running: SupervisedProcess[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "dripline-supervised-"));
  running = [];
});
afterEach(async () => {
  await Promise.all(running.map((each) => each.stop(5)));
  rmSync(directory, { recursive: true });
});

function supervise(script: string, env: NodeJS.ProcessEnv = {}) {
  const file = join(directory, "service.mjs");
  writeFileSync(file, script);
  const troubles: string[] = [];
  const pids: number[] = [];
  const logFile = join(directory, "service.log");
  const supervised = superviseProcess({
    name: "worker",
    script: file,
    env: { ...process.env, ...env },
    logFile,
    onTrouble: (message) => void troubles.push(message),
    onSpawn: (pid) => void pids.push(pid),
  });
  running.push(supervised);
  return { supervised, troubles, pids, log: () => readFileSync(logFile, "utf8") };
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await delay(20);
}

const sayReady = `process.send({ type: "ready" }); setInterval(() => {}, 1000);`;

test("it is ready when it says so, its output is in the log, and stopping it in order is the end", async () => {
  const { supervised, troubles, pids, log } = supervise(
    `process.on("SIGTERM", () => { console.log("bye"); process.exit(0); }); console.log("hello"); ${sayReady}`,
  );
  await supervised.ready;
  await supervised.stop(5);
  expect(log()).toBe("hello\nbye\n");
  expect(isAlive(pids[0] ?? 0)).toBe(false);
  expect(pids).toHaveLength(1);
  expect(troubles).toEqual([]);
});

test("one that does not keep the grace period is killed", async () => {
  const { supervised, pids } = supervise(`process.on("SIGTERM", () => {}); ${sayReady}`);
  await supervised.ready;
  await supervised.stop(0.2);
  expect(isAlive(pids[0] ?? 0)).toBe(false);
});

test("one that cannot start is not tried again; its last words are told", async () => {
  const { supervised, pids } = supervise(`console.error("MAIL_FROM is not set."); process.exit(1);`);
  await expect(supervised.ready).rejects.toThrow(
    /The worker could not start \(exit code 1\).*\n {2}\| MAIL_FROM is not set\./,
  );
  await supervised.stop(1);
  expect(pids).toHaveLength(1);
});

test("one that dies is started again, and that is said", async () => {
  const { supervised, troubles, pids } = supervise(sayReady);
  await supervised.ready;
  process.kill(pids[0] ?? 0, "SIGKILL");
  await until(() => troubles.length >= 2);
  expect(troubles[0]).toMatch(
    /^The worker ended unexpectedly \(signal SIGKILL\); starting it again in 0\.5 s\. Its log: /,
  );
  expect(troubles[1]).toBe("The worker is running again.");
  expect(pids).toHaveLength(2);
  expect(isAlive(pids[1] ?? 0)).toBe(true);
});

test("stopping during the pause before a restart leaves nothing running", async () => {
  const { supervised, troubles, pids } = supervise(sayReady);
  await supervised.ready;
  process.kill(pids[0] ?? 0, "SIGKILL");
  await until(() => troubles.length === 1);
  await supervised.stop(5);
  await delay(700); // longer than the pause was
  expect(pids).toHaveLength(1);
});

test("it runs in a process group of its own, out of reach of a Ctrl-C in the terminal", async () => {
  const { supervised, pids } = supervise(sayReady);
  await supervised.ready;
  const pid = pids[0] ?? 0;
  if (process.platform === "linux") {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    expect(Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[2])).toBe(pid);
  }
  process.kill(-pid, 0); // throws if there is no such group
});
