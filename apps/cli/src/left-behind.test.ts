import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Installation, installationAt, writePrivateFile } from "./installation.ts";
import { awaitLeftBehind, noteProcess } from "./left-behind.ts";

let installation: Installation;
let child: ChildProcess;
beforeEach(() => {
  installation = installationAt(mkdtempSync(join(tmpdir(), "dripline-left-behind-")));
  child = spawn(process.execPath, ["--eval", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
});
afterEach(() => {
  child.kill("SIGKILL");
  rmSync(installation.directory, { recursive: true });
});

test("a process of a killed run is waited for while it finishes", async () => {
  await noteProcess(installation, child.pid ?? 0);
  let waited = 0;
  const waiting = awaitLeftBehind(installation, {
    graceSeconds: 20,
    onWait: () => {
      waited += 1;
      child.kill("SIGTERM");
    },
  });
  await waiting;
  expect(waited).toBe(1);
  expect(child.killed).toBe(true);
});

test("one that does not end within the grace period is killed", async () => {
  await noteProcess(installation, child.pid ?? 0);
  const ended = once(child, "exit");
  await awaitLeftBehind(installation, { graceSeconds: 0.1, onWait: () => {} });
  expect(await ended).toEqual([null, "SIGKILL"]);
});

test("a later process with the same pid is left alone, and nothing is waited for", async () => {
  writePrivateFile(installation.processesFile, JSON.stringify([`${child.pid}@1`]));
  let waited = 0;
  await awaitLeftBehind(installation, { graceSeconds: 0, onWait: () => void waited++ });
  expect(waited).toBe(0);
  expect(child.exitCode ?? child.signalCode).toBeNull();
});
