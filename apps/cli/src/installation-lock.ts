import { closeSync, openSync, readFileSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { processIdentity } from "@dripline/embedded/process-identity";

/** A lock file without content is being written at this moment, unless it has been for longer than this. */
const writingMillisecondsMax = 5_000;

export type LockResult =
  | { readonly kind: "taken"; release(): void }
  /** Somebody else holds it, with this pid if it could be read. */
  | { readonly kind: "held"; readonly pid: number | undefined };

/**
 * Takes the lock of an installation, or says who holds it. A lock whose process has ended, however it ended, is taken
 * over; a later process with the same pid is not mistaken for the holder.
 * @throws the system's error when the directory cannot be written
 */
export async function takeLock(lockFile: string): Promise<LockResult> {
  const identity = (await processIdentity(process.pid)) ?? `${process.pid}@unknown`;
  for (;;) {
    if (createExclusively(lockFile, identity)) {
      return { kind: "taken", release: () => releaseIfOurs(lockFile, identity) };
    }
    const holder = readHolder(lockFile);
    if (holder === undefined) continue; // released just now
    if (holder.kind === "writing") return { kind: "held", pid: undefined };
    const pid = Number.parseInt(holder.identity, 10);
    if (pid > 0 && (await processIdentity(pid)) === holder.identity) return { kind: "held", pid };
    moveAside(lockFile, holder.identity);
  }
}

function createExclusively(lockFile: string, identity: string): boolean {
  try {
    const file = openSync(lockFile, "wx", 0o644);
    try {
      writeSync(file, identity);
    } finally {
      closeSync(file);
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function readHolder(lockFile: string): { kind: "writing" } | { kind: "written"; identity: string } | undefined {
  try {
    const identity = readFileSync(lockFile, "utf8");
    const isYoung = Date.now() - statSync(lockFile).mtimeMs < writingMillisecondsMax;
    return identity === "" && isYoung ? { kind: "writing" } : { kind: "written", identity };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Of several processes that found it stale, one moves it; if that one caught a new holder's lock, it puts it back. */
function moveAside(lockFile: string, staleIdentity: string): void {
  const aside = `${lockFile}.${process.pid}`;
  try {
    renameSync(lockFile, aside);
    if (readFileSync(aside, "utf8") !== staleIdentity) renameSync(aside, lockFile);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function releaseIfOurs(lockFile: string, identity: string): void {
  try {
    if (readFileSync(lockFile, "utf8") === identity) rmSync(lockFile, { force: true });
  } catch {
    // the directory is gone: so is the lock
  }
}
