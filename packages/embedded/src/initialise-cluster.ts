import { randomBytes } from "node:crypto";
import { chown, mkdir, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { EmbeddedPostgresError } from "./embedded-postgres-error.ts";
import { explainPostgresFailure } from "./explain-postgres-failure.ts";
import type { PostgresAccount } from "./postgres-account.ts";
import type { PostgresBinaries } from "./postgres-binaries.ts";
import { isAlive } from "./process-identity.ts";
import { spawnPostgresProgram } from "./spawn-postgres-program.ts";

/** The superuser of the embedded server and owner of its databases. */
export const DATABASE_USER = "dripline";

/** PostgreSQL's own directory (PGDATA) inside ours. */
export function dataDirectory(directory: string): string {
  return path.join(directory, "data");
}

/** The random password made when `directory` was initialised. */
export async function readPassword(directory: string): Promise<string> {
  return (await readFile(path.join(directory, "password"), "utf8")).trim();
}

/** The version in PG_VERSION ("18"), or `undefined` when there is no database in `directory` yet. */
export async function clusterVersion(directory: string): Promise<string | undefined> {
  try {
    return (await readFile(path.join(dataDirectory(directory), "PG_VERSION"), "utf8")).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

type NewCluster = {
  directory: string;
  binaries: PostgresBinaries;
  account: PostgresAccount;
  durable: boolean;
  line: (line: string) => void;
};

/**
 * Makes the database in `directory`, whole or not at all: everything is prepared in a sibling directory and then renamed
 * into place, so that a run that was killed half-way leaves only rubbish, which the next one removes.
 */
export async function initialiseCluster(cluster: NewCluster): Promise<void> {
  const { directory } = cluster;
  await removeAbandonedAttempts(directory);
  const attempt = `${directory}.new-${process.pid}-${randomBytes(4).toString("hex")}`;
  try {
    await prepare(attempt, cluster);
    await putInPlace(attempt, directory);
  } finally {
    await rm(attempt, { recursive: true, force: true });
  }
}

async function prepare(attempt: string, { directory, binaries, account, durable, line }: NewCluster): Promise<void> {
  const passwordFile = path.join(attempt, "password");
  await mkdir(attempt, { mode: 0o700 });
  await writeFile(passwordFile, `${randomBytes(24).toString("hex")}\n`, { mode: 0o600, flush: true });
  if (account.kind === "other") {
    await Promise.all([attempt, passwordFile].map((file) => chown(file, account.uid, account.gid)));
  }
  const initdb = await spawnPostgresProgram(
    account,
    binaries.initdb,
    [
      `--pgdata=${dataDirectory(attempt)}`,
      `--username=${DATABASE_USER}`,
      `--pwfile=${passwordFile}`,
      "--auth=scram-sha-256",
      "--encoding=UTF8",
      // Sorting and upper/lower case come from PostgreSQL itself, the same on every machine, whatever its locales.
      "--locale=C",
      "--locale-provider=builtin",
      "--builtin-locale=C.UTF-8",
      ...(durable ? [] : ["--no-sync"]),
    ],
    line,
  );
  const { code } = await initdb.ended;
  if (code !== 0) {
    throw explainPostgresFailure({ program: "initdb", directory, output: initdb.output() });
  }
}

async function putInPlace(attempt: string, directory: string): Promise<void> {
  try {
    // rename(2) replaces an empty directory and refuses one that holds anything.
    await rename(attempt, directory);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
    // Somebody else may have been quicker with the same idea.
    if ((await clusterVersion(directory)) !== undefined) return;
    throw new EmbeddedPostgresError(
      "directory_not_ours",
      `${directory} holds other files than a database of Dripline. Move them away, or choose another directory.`,
      { cause: error },
    );
  }
  const parent = await open(path.dirname(directory), "r");
  try {
    await parent.sync();
  } finally {
    await parent.close();
  }
}

async function removeAbandonedAttempts(directory: string): Promise<void> {
  const parent = path.dirname(directory);
  const prefix = `${path.basename(directory)}.new-`;
  for (const name of await readdir(parent)) {
    if (!name.startsWith(prefix)) continue;
    const owner = Number(name.slice(prefix.length).split("-")[0]);
    if (owner !== process.pid && !isAlive(owner)) await rm(path.join(parent, name), { recursive: true, force: true });
  }
}
