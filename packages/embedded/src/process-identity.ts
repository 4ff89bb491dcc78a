import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

/**
 * Names a running process so that a later process with the same pid is not mistaken for it: `<pid>@<start time>`.
 * `undefined` when no process has this pid.
 */
export async function processIdentity(pid: number): Promise<string | undefined> {
  if (!isAlive(pid)) return undefined;
  if (process.platform !== "linux") {
    const startedAt = await ps(pid, "lstart=");
    return startedAt === undefined ? undefined : `${pid}@${startedAt.replaceAll(/\W+/g, "-")}`;
  }
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  // proc(5): the command name, field 2, stands in parentheses and may itself hold spaces and parentheses. Counted from
  // behind it, the state is field 3 and the start time, in clock ticks since boot, field 22.
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  // A zombie has ended; only its parent has not looked yet.
  return fields === undefined || fields[0] === "Z" ? undefined : `${pid}@${fields[19]}`;
}

/** The command line of a process, its arguments separated by blanks; `undefined` when it is gone or may not be read. */
export async function processCommandLine(pid: number): Promise<string | undefined> {
  if (process.platform !== "linux") return ps(pid, "command=");
  const commandLine = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => undefined);
  return commandLine?.replaceAll("\0", " ").trim();
}

/** Whether any process has this pid, whoever it belongs to. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

// ps is part of macOS; slim Linux images lack it, which is why Linux reads /proc.
async function ps(pid: number, column: string): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)("ps", ["-o", column, "-p", String(pid)], {
      env: { PATH: process.env.PATH, LC_ALL: "C" },
    });
    return stdout.trim() === "" ? undefined : stdout.trim();
  } catch {
    return undefined;
  }
}
