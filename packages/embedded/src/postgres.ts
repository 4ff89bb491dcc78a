import { mkdir } from "node:fs/promises";
import path from "node:path";
import pg from "pg";
import { EmbeddedPostgresError } from "./embedded-postgres-error.ts";
import { explainPostgresFailure, portTaken } from "./explain-postgres-failure.ts";
import { freePort, isPortFree } from "./free-port.ts";
import { clusterVersion, DATABASE_USER, dataDirectory, initialiseCluster, readPassword } from "./initialise-cluster.ts";
import { type PostgresAccount, postgresAccount } from "./postgres-account.ts";
import { type PostgresBinaries, postgresBinaries } from "./postgres-binaries.ts";
import { ownerArgument, runningPostmaster, stopPostmaster } from "./running-postmaster.ts";
import { type RunningProgram, spawnPostgresProgram } from "./spawn-postgres-program.ts";

export type PostgresOptions = {
  /** Made when missing; its parent directories as well. Everything the server needs to start again is in it. */
  directory: string;
  /** Without it, or with 0, any free one. */
  port?: number;
  /** Gets every line that PostgreSQL prints. */
  log: (line: string) => void;
  /** Made when missing. Default "dripline". */
  database?: string;
  /** `false` gives up every guarantee about a crash in exchange for speed: for tests only. Default `true`. */
  durable?: boolean;
};

export type EmbeddedPostgres = {
  /** Holds the password: not for logs. */
  url: string;
  port: number;
  /** Settles when the server has ended, asked to or not; never rejects. */
  ended: Promise<void>;
  /** Cuts off the clients, keeps everything committed, and returns when the server is gone. Calling it again is harmless. */
  stop(): Promise<void>;
};

// A fast shutdown writes a checkpoint; on a slow disk with a full cache that takes seconds.
const STOP_GRACE_MILLISECONDS = 20_000;

// The free port we found may be taken before PostgreSQL listens on it. Not three times in a row.
const PORT_ATTEMPTS_MAX = 3;

/**
 * Starts a real PostgreSQL on 127.0.0.1, reached with a random password, and returns when it answers. It runs in a
 * session of its own: a Ctrl-C in the terminal does not stop it, `stop()` does. A server that a killed process left
 * behind on the same directory is stopped first.
 * @throws EmbeddedPostgresError whenever it cannot run, with a message for the person at the terminal.
 */
export async function startPostgres(options: PostgresOptions): Promise<EmbeddedPostgres> {
  const { log, durable = true, database = "dripline" } = options;
  const directory = path.resolve(options.directory);
  try {
    const binaries = await postgresBinaries();
    await mkdir(path.dirname(directory), { recursive: true });
    const account = await postgresAccount(directory, binaries);
    const major = await majorVersion(account, binaries, directory);
    await stopLeftBehind(directory, log);
    if ((await clusterVersion(directory)) === undefined) {
      await initialiseCluster({ directory, binaries, account, durable, line: log });
    }
    await requireVersion(directory, major);
    return await launch({ directory, binaries, account, durable, database, log, port: options.port ?? 0 });
  } catch (error) {
    throw error instanceof EmbeddedPostgresError ? error : explainSystemError(error, directory);
  }
}

type Launch = Required<PostgresOptions> & { binaries: PostgresBinaries; account: PostgresAccount };

async function launch(settings: Launch): Promise<EmbeddedPostgres> {
  for (let attempt = 1; ; attempt += 1) {
    const port = settings.port === 0 ? await freePort() : settings.port;
    if (!(await isPortFree(port))) throw portTaken(port);
    try {
      return await launchOn(port, settings);
    } catch (error) {
      const isRetry = settings.port === 0 && error instanceof EmbeddedPostgresError && error.failure === "port_taken";
      if (!isRetry || attempt === PORT_ATTEMPTS_MAX) throw error;
    }
  }
}

async function launchOn(port: number, settings: Launch): Promise<EmbeddedPostgres> {
  const { directory, binaries, account, durable, database, log } = settings;
  let announceReady = (): void => {};
  const ready = new Promise<"ready">((resolve) => {
    announceReady = () => resolve("ready");
  });
  const server = await spawnPostgresProgram(
    account,
    binaries.postgres,
    ["-D", dataDirectory(directory), ...(await serverSettings(port, durable))],
    (line) => {
      log(line);
      if (line.includes("database system is ready to accept connections")) announceReady();
    },
  );
  const stop = stopper(server);
  if ((await Promise.race([ready, server.ended])) !== "ready") {
    throw explainPostgresFailure({ program: "postgres", directory, port, output: server.output() });
  }
  try {
    const password = await readPassword(directory);
    const url = (name: string) => `postgresql://${DATABASE_USER}:${password}@127.0.0.1:${port}/${name}`;
    await createDatabaseIfMissing(url("postgres"), database);
    return { url: url(encodeURIComponent(database)), port, ended: server.ended.then(() => undefined), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function serverSettings(port: number, durable: boolean): Promise<string[]> {
  const settings = [
    `port=${port}`,
    "listen_addresses=127.0.0.1",
    // A socket path may be 107 bytes long at most, which a deep checkout exceeds; TCP is enough.
    "unix_socket_directories=",
    // An api, a worker and BullMQ need some 40; test files that run side by side bring a pool each.
    "max_connections=200",
    "logging_collector=off",
    "timezone=UTC",
    "log_timezone=UTC",
    await ownerArgument(process.pid),
    ...(durable ? [] : ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]),
  ];
  return settings.flatMap((setting) => ["-c", setting]);
}

function stopper(server: RunningProgram): () => Promise<void> {
  let stopping: Promise<void> | undefined;
  const stop = async () => {
    // SIGINT is PostgreSQL's fast shutdown. No process group: the children are the postmaster's business.
    server.child.kill("SIGINT");
    const lastResort = setTimeout(() => server.child.kill("SIGKILL"), STOP_GRACE_MILLISECONDS);
    await server.ended;
    clearTimeout(lastResort);
  };
  return () => {
    stopping ??= stop();
    return stopping;
  };
}

async function createDatabaseIfMissing(url: string, database: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const found = await client.query("SELECT FROM pg_database WHERE datname = $1", [database]);
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(database)}`);
  } finally {
    await client.end();
  }
}

async function stopLeftBehind(directory: string, log: (line: string) => void): Promise<void> {
  const running = await runningPostmaster(dataDirectory(directory));
  if (running === undefined) return;
  if (running.owner?.isAlive === true) {
    throw new EmbeddedPostgresError(
      "already_running",
      `The database in ${directory} is in use by process ${running.owner.pid}, which is still running. Stop that process first.`,
    );
  }
  log(`stopping the server that an earlier run left behind (process ${running.pid})`);
  await stopPostmaster(running.pid, STOP_GRACE_MILLISECONDS);
}

async function majorVersion(account: PostgresAccount, binaries: PostgresBinaries, directory: string): Promise<string> {
  const program = await spawnPostgresProgram(account, binaries.postgres, ["--version"], () => {});
  const { code } = await program.ended;
  const major = /PostgreSQL\) (\d+)/.exec(program.output())?.[1];
  if (code === 0 && major !== undefined) return major;
  throw explainPostgresFailure({ program: "postgres", directory, output: program.output() });
}

async function requireVersion(directory: string, major: string): Promise<void> {
  const found = await clusterVersion(directory);
  if (found === major) return;
  throw new EmbeddedPostgresError(
    "wrong_version",
    `The database in ${directory} was made by PostgreSQL ${found}, and this is PostgreSQL ${major}. Move that directory away to begin anew, or set DATABASE_URL to a server of version ${found}.`,
  );
}

function explainSystemError(error: unknown, directory: string): unknown {
  const options = { cause: error };
  const { code, path: where } = error as NodeJS.ErrnoException;
  switch (code ?? "") {
    case "EACCES":
    case "EPERM":
    case "EROFS":
    case "EEXIST":
    case "ENOTDIR":
      return new EmbeddedPostgresError(
        "directory_not_writable",
        `The database directory ${directory} cannot be used: ${where ?? directory} is not writable for this user. Change its owner or mode, or choose another directory.`,
        options,
      );
    case "ENOSPC":
    // What PostgreSQL calls it (disk_full), when even an empty database has no room.
    case "53100":
    case "EDQUOT":
      return explainPostgresFailure({ program: "postgres", directory, output: "No space left on device" });
    case "ENOENT":
      // The programs exist, we have just looked: what is missing is the C library they were built for (glibc).
      return new EmbeddedPostgresError(
        "unsupported_platform",
        "The embedded PostgreSQL needs a system with glibc, which this one lacks. Set DATABASE_URL to a PostgreSQL server of your own (15 or newer).",
        options,
      );
    default:
      return error;
  }
}
