import { setTimeout as delay } from "node:timers/promises";
import { processIdentity } from "@dripline/embedded/process-identity";
import { type Installation, readKept, writePrivateFile } from "./installation.ts";

const pollMilliseconds = 50;

/** Notes a process of this run (pid and start time), so that {@link awaitLeftBehind} of the next run knows it. */
export async function noteProcess(installation: Installation, pid: number): Promise<void> {
  const identity = await processIdentity(pid);
  if (identity !== undefined)
    writePrivateFile(installation.processesFile, JSON.stringify([...noted(installation), identity]));
}

/**
 * Waits for processes that a killed run left behind. They notice by themselves and finish what they are doing; after
 * `graceSeconds` they are killed. Calls `onWait` if there is anything to wait for.
 */
export async function awaitLeftBehind(
  installation: Installation,
  { graceSeconds, onWait }: { graceSeconds: number; onWait: () => void },
): Promise<void> {
  let alive = await stillAlive(noted(installation));
  if (alive.length > 0) onWait();
  const until = performance.now() + graceSeconds * 1_000;
  while (alive.length > 0) {
    if (performance.now() > until) for (const identity of alive) kill(identity);
    await delay(pollMilliseconds);
    alive = await stillAlive(alive);
  }
  writePrivateFile(installation.processesFile, "[]");
}

function noted(installation: Installation): string[] {
  try {
    return JSON.parse(readKept(installation.processesFile) ?? "[]") as string[];
  } catch {
    return [];
  }
}

async function stillAlive(identities: readonly string[]): Promise<string[]> {
  const found = await Promise.all(identities.map((identity) => processIdentity(Number.parseInt(identity, 10))));
  return identities.filter((identity) => found.includes(identity));
}

function kill(identity: string): void {
  try {
    process.kill(Number.parseInt(identity, 10), "SIGKILL");
  } catch {
    // gone in this very moment
  }
}
