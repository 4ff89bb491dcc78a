import { execFile, spawnSync } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { EmbeddedPostgresError } from "./embedded-postgres-error.ts";
import type { PostgresBinaries } from "./postgres-binaries.ts";

/** As whom PostgreSQL's programs run: ourselves, or another account (ids as the kernel knows them). */
export type PostgresAccount =
  | { kind: "self" }
  | { kind: "other"; uid: number; gid: number; launcher: readonly string[] };

const ACCOUNT_NAME = "postgres";

// capability.h: the bit numbers in the kernel's masks.
const CAPABILITY_BITS = { dac_override: 1n, dac_read_search: 2n, setpcap: 8n };

/**
 * Chooses the account for a database in `directory`. PostgreSQL refuses to run as root, so that root lends it the
 * account `postgres`, which is created when missing; or the account that owns the directory already, when root looks
 * after what an ordinary user began.
 *
 * A checkout below /root (mode 700) is closed to that account. There, and only there, the programs get one capability
 * more than the account has: to pass directories and read files whose mode forbids it.
 * @throws EmbeddedPostgresError `root_needs_help` when root has no way to do that.
 */
export async function postgresAccount(directory: string, binaries: PostgresBinaries): Promise<PostgresAccount> {
  if (process.getuid?.() !== 0) return { kind: "self" };
  const ids = (await ownerOf(directory)) ?? (await lookUpAccount()) ?? (await createAccount());
  const isReachable = (await canReach(ids.uid, path.dirname(directory))) && (await canUse(ids.uid, binaries));
  if (isReachable) return { kind: "other", ...ids, launcher: [] };
  return { kind: "other", ...ids, launcher: await launcherPastClosedDirectories(ids, directory) };
}

async function ownerOf(directory: string): Promise<{ uid: number; gid: number } | undefined> {
  const found = await stat(directory).catch(() => undefined);
  return found === undefined || found.uid === 0 ? undefined : { uid: found.uid, gid: found.gid };
}

async function lookUpAccount(): Promise<{ uid: number; gid: number } | undefined> {
  try {
    const [uid, gid] = await Promise.all(
      ["-u", "-g"].map(async (flag) => Number((await promisify(execFile)("id", [flag, ACCOUNT_NAME])).stdout)),
    );
    return uid === undefined || gid === undefined ? undefined : { uid, gid };
  } catch {
    return undefined;
  }
}

async function createAccount(): Promise<{ uid: number; gid: number }> {
  const run = promisify(execFile);
  // The group may be there already, left over from a removed package.
  await run("groupadd", ["--system", ACCOUNT_NAME]).catch(() => undefined);
  const options = ["--system", "--gid", ACCOUNT_NAME, "--no-create-home", "--home-dir", "/nonexistent"];
  const problem = await run("useradd", [...options, "--shell", "/usr/sbin/nologin", ACCOUNT_NAME]).then(
    () => undefined,
    (error: unknown) => error,
  );
  const ids = await lookUpAccount();
  if (ids !== undefined) return ids;
  throw new EmbeddedPostgresError(
    "root_needs_help",
    `PostgreSQL refuses to run as root, and the account "${ACCOUNT_NAME}" could not be created for it. Run this as an ordinary user, or set DATABASE_URL.`,
    { cause: problem },
  );
}

/** Whether an account may pass every directory from the root down to `directory`. Group rights and ACLs do not count. */
async function canReach(uid: number, directory: string): Promise<boolean> {
  for (let current = path.resolve(directory); ; current = path.dirname(current)) {
    const { mode, uid: owner } = await stat(current);
    if ((mode & (owner === uid ? 0o100 : 0o001)) === 0) return false;
    if (current === path.dirname(current)) return true;
  }
}

// An installation under umask 077 leaves files that others cannot read. One of each kind tells.
async function canUse(uid: number, binaries: PostgresBinaries): Promise<boolean> {
  const share = path.join(binaries.native, "share", "postgresql");
  if (!(await canReach(uid, path.dirname(binaries.postgres))) || !(await canReach(uid, share))) return false;
  const files = [binaries.postgres, path.join(share, "postgres.bki")];
  const modes = await Promise.all(files.map(async (file) => (await stat(file)).mode));
  return modes.every((mode) => (mode & 0o004) !== 0);
}

async function launcherPastClosedDirectories(
  ids: { uid: number; gid: number },
  directory: string,
): Promise<readonly string[]> {
  const held = await heldCapabilities();
  // Reading alone is enough, but Docker's default set has only the stronger of the two.
  const capability = held.has("dac_read_search") ? "dac_read_search" : "dac_override";
  const hasTool = spawnSync("setpriv", ["--version"]).status === 0;
  if (!hasTool || !held.has(capability) || !held.has("setpcap")) {
    throw new EmbeddedPostgresError(
      "root_needs_help",
      `PostgreSQL refuses to run as root, and the account "${ACCOUNT_NAME}" may not enter ${directory}. Run this as an ordinary user, put the checkout where other users may enter (for example /srv), or set DATABASE_URL.`,
    );
  }
  return [
    "setpriv",
    `--reuid=${ids.uid}`,
    `--regid=${ids.gid}`,
    "--clear-groups",
    // initdb asks access(2) whether it may run its neighbour `postgres`, and without this bit that call leaves
    // capabilities out of account when the real user is not root (capabilities(7), SECBIT_NO_SETUID_FIXUP).
    "--securebits=+no_setuid_fixup",
    `--inh-caps=+${capability}`,
    `--ambient-caps=+${capability}`,
    "--",
  ];
}

async function heldCapabilities(): Promise<Set<keyof typeof CAPABILITY_BITS>> {
  const status = await readFile("/proc/self/status", "utf8").catch(() => "");
  const mask = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  const names = Object.keys(CAPABILITY_BITS) as (keyof typeof CAPABILITY_BITS)[];
  return new Set(names.filter((name) => (mask & (1n << CAPABILITY_BITS[name])) !== 0n));
}
