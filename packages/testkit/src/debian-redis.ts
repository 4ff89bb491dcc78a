import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { promisify } from "node:util";

const PROGRAM = "/usr/bin/redis-server";
const POLICY_FILE = "/usr/sbin/policy-rc.d";

/**
 * Installs Debian's `redis-server`, when this is Debian (or a child of it) and we are root, and returns where it is. The
 * system's own Redis service is not started. `undefined` when it cannot be installed; what happens is said in lines.
 */
export async function installDebianRedis(say: (line: string) => void): Promise<string | undefined> {
  if (process.getuid?.() !== 0 || !existsSync("/etc/debian_version") || !existsSync("/usr/bin/apt-get")) {
    return undefined;
  }
  say("No Redis found: installing Debian's redis-server with apt-get (it is not started as a service).");
  const withdrawPolicy = await forbidServiceStarts();
  try {
    await aptGet("update");
    await aptGet("install", "-y", "--no-install-recommends", "redis-server");
  } catch (error) {
    say(`apt-get could not install redis-server: ${lastLine(error)}`);
  } finally {
    await withdrawPolicy();
  }
  return existsSync(PROGRAM) ? PROGRAM : undefined;
}

/** Debian asks policy-rc.d before a package's install script starts a service; 101 means no. */
async function forbidServiceStarts(): Promise<() => Promise<void>> {
  try {
    await writeFile(POLICY_FILE, "#!/bin/sh\nexit 101\n", { mode: 0o755, flag: "wx" });
  } catch {
    // There is one already (container images have it), or none can be made: RUNLEVEL=1 is left.
    return async () => {};
  }
  return () => rm(POLICY_FILE, { force: true });
}

async function aptGet(...aptArguments: string[]): Promise<void> {
  await promisify(execFile)("apt-get", aptArguments, {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" },
    maxBuffer: 64 * 1024 * 1024,
  });
}

function lastLine(error: unknown): string {
  const text = (error as { stderr?: string }).stderr?.trim() || String(error);
  return text.split("\n").at(-1) ?? text;
}
