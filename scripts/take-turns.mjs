import { mkdirSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ScriptError } from "./phase.mjs";

/** A lock file without content is being written at this very moment, unless it has been for longer than this. */
const writingMillisecondsMax = 5_000;
const retryMilliseconds = 200;

/**
 * Runs `work` while holding the lock file; whoever comes meanwhile waits. A lock whose process is gone (killed, machine
 * restarted) is taken over.
 */
export async function takeTurns(lockFile, work) {
  mkdirSync(dirname(lockFile), { recursive: true });
  let isWaiting = false;
  while (!tryLock(lockFile)) {
    if (removeStale(lockFile)) continue;
    if (!isWaiting)
      console.error("Another Dripline command is installing or building in this directory; waiting for it…");
    isWaiting = true;
    await sleep(retryMilliseconds);
  }
  const release = () => rmSync(lockFile, { force: true });
  process.once("exit", release);
  try {
    return await work();
  } finally {
    process.off("exit", release);
    release();
  }
}

function tryLock(lockFile) {
  try {
    const file = openSync(lockFile, "wx");
    writeFileSync(file, JSON.stringify({ pid: process.pid, startedAt: processStart(process.pid) }));
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw new ScriptError(
      `Cannot write ${lockFile} (${error.code}): make the directory writable for this user, or free some disk space.`,
    );
  }
}

function removeStale(lockFile) {
  let content;
  try {
    content = readFileSync(lockFile, "utf8");
    if (content === "" && Date.now() - statSync(lockFile).mtimeMs < writingMillisecondsMax) return false;
  } catch {
    return true; // released just now
  }
  if (content !== "" && isHeld(content)) return false;
  // Moved aside first: of several that found it stale, one moves it, and the lock of a new holder is put back.
  const aside = `${lockFile}.${process.pid}`;
  try {
    renameSync(lockFile, aside);
    if (readFileSync(aside, "utf8") !== content) renameSync(aside, lockFile);
    rmSync(aside, { force: true });
  } catch {
    // somebody else was faster
  }
  return true;
}

function isHeld(content) {
  try {
    const { pid, startedAt } = JSON.parse(content);
    return isAlive(pid) && startedAt === processStart(pid);
  } catch {
    return false;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** When a process started, in ticks since boot (proc(5), field 22), so that a reused pid is noticed. Only on Linux. */
function processStart(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return null;
  }
}
