import { readFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { isAlive, processCommandLine, processIdentity } from "./process-identity.ts";

export type RunningPostmaster = { pid: number; owner: { pid: number; isAlive: boolean } | undefined };

/** Written into the server's command line, where it cannot outlive or be separated from the server it speaks of. */
const OWNER_SETTING = "dripline.owner";

/** The argument that names the process which started the server and will stop it. */
export async function ownerArgument(pid: number): Promise<string> {
  return `${OWNER_SETTING}=${await processIdentity(pid)}`;
}

/**
 * The PostgreSQL server that is running on `data` now, whoever started it. A postmaster.pid that is left from a crash or
 * whose pid now belongs to another program counts as none: PostgreSQL itself replaces such a file.
 */
export async function runningPostmaster(data: string): Promise<RunningPostmaster | undefined> {
  const file = await readFile(path.join(data, "postmaster.pid"), "utf8").catch(() => "");
  const [pidLine = "", startedIn = ""] = file.split("\n");
  const pid = Number(pidLine);
  if (!Number.isInteger(pid) || pid <= 1 || startedIn === "" || !isAlive(pid)) return undefined;

  // The file says where its server was started. If that stands in the process's command line, it is that server,
  // also when the directory has been moved since.
  const commandLine = await processCommandLine(pid);
  if (commandLine === undefined || !commandLine.includes(`-D ${startedIn}`)) return undefined;

  const identity = new RegExp(`${OWNER_SETTING}=((\\d+)@\\S+)`).exec(commandLine);
  if (identity === null) return { pid, owner: undefined };
  const owner = Number(identity[2]);
  return { pid, owner: { pid: owner, isAlive: (await processIdentity(owner)) === identity[1] } };
}

/**
 * Stops a server that is not our child. First a fast shutdown (SIGINT: clients are cut off, everything committed is
 * kept), after `graceMilliseconds` SIGKILL, to this one process: its children notice and end by themselves.
 */
export async function stopPostmaster(pid: number, graceMilliseconds: number): Promise<void> {
  process.kill(pid, "SIGINT");
  if (await endsWithin(pid, graceMilliseconds)) return;
  process.kill(pid, "SIGKILL");
  await endsWithin(pid, graceMilliseconds);
}

async function endsWithin(pid: number, milliseconds: number): Promise<boolean> {
  // There is no event for the end of a process that is not a child of ours.
  for (const intervalMilliseconds = 20; milliseconds > 0; milliseconds -= intervalMilliseconds) {
    if ((await processIdentity(pid)) === undefined) return true;
    await delay(intervalMilliseconds);
  }
  return false;
}
