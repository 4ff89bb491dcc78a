import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { chmod, chown, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort } from "@dripline/embedded/free-port";
import { waitFor } from "@dripline/testkit/wait-for";
import pg from "pg";

const run = promisify(execFile);

/** A whole PostgreSQL as the system's packages bring it, with the tools that make and restore dumps. */
export interface PostgresTools {
  readonly version: string;
  /** A server of its own with an empty database `dripline`. */
  startServer(): Promise<{ readonly url: string; stop(): Promise<void> }>;
  dump(url: string, file: string): Promise<void>;
  restore(url: string, file: string): Promise<void>;
}

/** Where packages put them, the newest first; or wherever PATH leads. Debian puts no server on it. */
function binDirectories(): string[] {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  return [...versions.map((version) => join(debian, version, "bin")), ...(process.env.PATH ?? "").split(":")];
}

/** Undefined where they are not installed: `apt-get install postgresql`. */
export function findPostgresTools(): PostgresTools | undefined {
  const programs = ["initdb", "postgres", "pg_dump", "pg_restore"];
  const bin = binDirectories().find((directory) => programs.every((name) => existsSync(join(directory, name))));
  if (bin === undefined) return undefined;
  const account = accountForServer();
  if (account === undefined) return undefined;
  return {
    version: execFileSync(join(bin, "postgres"), ["--version"], { encoding: "utf8" }).trim(),
    startServer: () => startServer(bin, account),
    async dump(url, file) {
      await run(join(bin, "pg_dump"), ["--format=custom", `--file=${file}`, url]);
    },
    async restore(url, file) {
      await run(join(bin, "pg_restore"), ["--no-owner", "--exit-on-error", `--dbname=${url}`, file]);
    },
  };
}

interface Account {
  readonly uid?: number;
  readonly gid?: number;
}

/** PostgreSQL refuses to run as root: then as the account that its package has made. */
function accountForServer(): Account | undefined {
  if (process.getuid?.() !== 0) return {};
  try {
    const id = (flag: string) => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
    return { uid: id("-u"), gid: id("-g") };
  } catch {
    return undefined;
  }
}

async function startServer(bin: string, account: Account): Promise<{ url: string; stop(): Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), "dripline-postgres-"));
  await chmod(directory, 0o700);
  if (account.uid !== undefined) await chown(directory, account.uid, account.gid ?? account.uid);
  const data = join(directory, "data");
  const initdb = ["-D", data, "-U", "dripline", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"];
  await run(join(bin, "initdb"), initdb, { ...account, cwd: directory });
  const port = await freePort();
  const settings = [`port=${port}`, "listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off"];
  const server = spawn(join(bin, "postgres"), ["-D", data, ...settings.flatMap((setting) => ["-c", setting])], {
    ...account,
    cwd: directory,
    stdio: "ignore",
  });
  const url = (database: string) => `postgres://dripline@127.0.0.1:${port}/${database}`;
  await waitFor(() => ask(url("postgres"), "create database dripline"), {
    timeoutMilliseconds: 20_000,
    describe: "a PostgreSQL of the system's packages",
  });
  return {
    url: url("dripline"),
    async stop() {
      server.kill("SIGINT");
      if (server.exitCode === null && server.signalCode === null) await once(server, "exit");
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function ask(url: string, statement: string): Promise<true> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => {});
  await client.connect();
  try {
    await client.query(statement);
    return true;
  } finally {
    await client.end();
  }
}
