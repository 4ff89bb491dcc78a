import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { processIdentity } from "@dripline/embedded/process-identity";
import { afterEach, beforeEach, expect, test } from "vitest";
import { takeLock } from "./installation-lock.ts";

let directory: string;
let lockFile: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "dripline-lock-"));
  lockFile = join(directory, "lock");
});
afterEach(() => rmSync(directory, { recursive: true }));

async function take() {
  const lock = await takeLock(lockFile);
  if (lock.kind !== "taken") throw new Error("the lock was held");
  return lock;
}

test("a lock is held by one, who is named to others, until released", async () => {
  const lock = await take();
  expect(await takeLock(lockFile)).toEqual({ kind: "held", pid: process.pid });
  lock.release();
  (await take()).release();
  expect(existsSync(lockFile)).toBe(false);
});

test("of many who come at once, one gets it", async () => {
  const results = await Promise.all(Array.from({ length: 20 }, () => takeLock(lockFile)));
  expect(results.filter(({ kind }) => kind === "taken")).toHaveLength(1);
});

test("a lock whose process has ended is taken over", async () => {
  const child = spawn(process.execPath, ["--eval", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  const identity = await processIdentity(child.pid ?? 0);
  writeFileSync(lockFile, identity ?? "");
  expect(await takeLock(lockFile)).toEqual({ kind: "held", pid: child.pid });
  child.kill("SIGKILL");
  await once(child, "exit");
  (await take()).release();
});

test("a lock of an earlier process with a pid that is in use again is taken over", async () => {
  writeFileSync(lockFile, `${process.pid}@1`);
  (await take()).release();
});

test("of many who find a stale lock, one gets it", async () => {
  for (let round = 0; round < 20; round++) {
    writeFileSync(lockFile, `${process.pid}@1`);
    const results = await Promise.all(Array.from({ length: 8 }, () => takeLock(lockFile)));
    const taken = results.filter((result) => result.kind === "taken");
    expect(taken).toHaveLength(1);
    taken[0]?.release();
  }
});

test("a lock that is just being written is respected, and garbage is not", async () => {
  writeFileSync(lockFile, "");
  expect(await takeLock(lockFile)).toEqual({ kind: "held", pid: undefined });
  writeFileSync(lockFile, "what?");
  (await take()).release();
});

test("releasing leaves a lock alone that belongs to somebody else by now", async () => {
  const lock = await take();
  writeFileSync(lockFile, "1@1");
  lock.release();
  expect(existsSync(lockFile)).toBe(true);
});
