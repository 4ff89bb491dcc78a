import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { EmbeddedPostgresError } from "./embedded-postgres-error.ts";
import { freePort } from "./free-port.ts";
import { type EmbeddedPostgres, type PostgresOptions, startPostgres } from "./postgres.ts";
import { postgresAccount } from "./postgres-account.ts";
import { postgresBinaries } from "./postgres-binaries.ts";
import { isAlive, processIdentity } from "./process-identity.ts";
import { runningPostmaster } from "./running-postmaster.ts";
import { spawnPostgresProgram } from "./spawn-postgres-program.ts";

let initialised: string;
let parent: string;
let directory: string;
let started: EmbeddedPostgres[];

beforeAll(async () => {
  initialised = await mkdtemp(path.join(tmpdir(), "dripline-postgres-"));
  await (await startPostgres({ directory: path.join(initialised, "postgres"), log: () => {}, durable: false })).stop();
});

afterAll(() => rm(initialised, { recursive: true }));

beforeEach(async () => {
  parent = await mkdtemp(path.join(tmpdir(), "dripline-postgres-"));
  directory = path.join(parent, "postgres");
  started = [];
});

afterEach(async () => {
  await Promise.all(started.map((server) => server.stop()));
  await rm(parent, { recursive: true, force: true });
});

/** Spares a test that is not about initdb its two seconds. */
async function copyInitialised(): Promise<void> {
  // cp(1) and not fs.cp: owners have to stay as they are.
  await promisify(execFile)("cp", ["-a", path.join(initialised, "postgres"), parent]);
}

async function start(options: Partial<PostgresOptions> = {}): Promise<EmbeddedPostgres> {
  const server = await startPostgres({ directory, log: () => {}, durable: false, ...options });
  started.push(server);
  return server;
}

async function query<Row extends pg.QueryResultRow>(server: { url: string }, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

async function failureOf(promise: Promise<unknown>): Promise<EmbeddedPostgresError> {
  const error = await promise.then(
    () => expect.fail("it started"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof EmbeddedPostgresError)) throw error;
  return error;
}

async function pidOf(): Promise<number> {
  const running = await runningPostmaster(path.join(directory, "data"));
  if (running === undefined) throw new Error("no server is running");
  return running.pid;
}

test("what was committed is there after a stop and a start", async () => {
  await copyInitialised();
  const first = await start();
  await query(first, "CREATE TABLE note AS SELECT 'kept' AS text");
  await first.stop();

  const second = await start();

  expect(await query(second, "SELECT text FROM note")).toEqual([{ text: "kept" }]);
});

test("nobody gets in without the password, which only the owner of the directory can read", async () => {
  const server = await start();
  const url = new URL(server.url);
  url.password = "guess";

  await expect(query({ url: url.href }, "SELECT 1")).rejects.toThrow("password authentication failed");
  expect((await stat(path.join(directory, "password"))).mode & 0o777).toBe(0o600);
  expect((await stat(directory)).mode & 0o777).toBe(0o700);
});

test("it listens on 127.0.0.1 and nowhere else", async () => {
  await copyInitialised();
  const server = await start();

  expect(await query(server, "SHOW listen_addresses")).toEqual([{ listen_addresses: "127.0.0.1" }]);
  expect(await query(server, "SHOW unix_socket_directories")).toEqual([{ unix_socket_directories: "" }]);
});

test("it is durable unless told otherwise", async () => {
  await copyInitialised();
  const settings = "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit') ORDER BY name";
  const durable = await startPostgres({ directory, log: () => {} });
  started.push(durable);
  expect(await query(durable, settings)).toEqual([
    { name: "fsync", setting: "on" },
    { name: "synchronous_commit", setting: "on" },
  ]);
  await durable.stop();

  expect(await query(await start({ durable: false }), settings)).toEqual([
    { name: "fsync", setting: "off" },
    { name: "synchronous_commit", setting: "off" },
  ]);
});

test("text is UTF-8 and lower() knows letters beyond ASCII, whatever the machine's locale", async () => {
  await copyInitialised();
  const rows = await query(
    await start(),
    "SELECT lower('ÄÖЖ') AS lower, current_setting('server_encoding') AS encoding",
  );

  expect(rows).toEqual([{ lower: "äöж", encoding: "UTF8" }]);
});

test.runIf(process.platform === "linux")(
  "it has a session of its own, so that Ctrl-C in the terminal does not reach it",
  async () => {
    await copyInitialised();
    await start();
    const stat = await readFile(`/proc/${await pidOf()}/stat`, "utf8");
    // proc(5): after the name in parentheses come state, parent, process group, session.
    const [, , group, session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");

    expect([group, session]).toEqual([String(await pidOf()), String(await pidOf())]);
  },
);

test("stop() leaves no process behind, and calling it twice is harmless", async () => {
  await copyInitialised();
  const server = await start();
  const pid = await pidOf();

  await Promise.all([server.stop(), server.stop()]);
  await server.ended;

  expect(isAlive(pid)).toBe(false);
});

test("a client that is busy does not hold up stop()", async () => {
  await copyInitialised();
  const server = await start();
  const client = new pg.Client({ connectionString: server.url });
  client.on("error", () => {});
  await client.connect();
  const busy = client.query("SELECT pg_sleep(600)").catch((error: Error) => error.message);

  await server.stop();

  expect(await busy).toMatch(/terminating connection|Connection terminated/);
});

test("a half-made directory of a killed run is replaced, not started", async () => {
  const dead = await deadPid();
  const abandoned = path.join(parent, `postgres.new-${dead}-abcdef`);
  await mkdir(path.join(abandoned, "data"), { recursive: true });
  await writeFile(path.join(abandoned, "data", "PG_VERSION"), "18\n");

  await query(await start(), "SELECT 1");

  expect(await readdir(parent)).toEqual(["postgres"]);
});

test("two runs that initialise the same directory at once end with one server and one clear refusal", async () => {
  const attempts = await Promise.allSettled([start(), start()]);

  const refused = attempts.filter((attempt) => attempt.status === "rejected").map((attempt) => attempt.reason);
  expect(refused).toEqual([expect.objectContaining({ failure: "already_running" })]);
});

test.runIf(process.getuid?.() === 0)("as root, what another user began runs as that user", async () => {
  await copyInitialised();
  const nobody = 65534;
  await promisify(execFile)("chown", ["-R", `${nobody}:${nobody}`, directory]);
  await chmod(parent, 0o755);

  await start();

  const status = await readFile(`/proc/${await pidOf()}/status`, "utf8");
  expect(/^Uid:\s+(\d+)/m.exec(status)?.[1]).toBe(String(nobody));
});

test("a second start on a directory in use is refused while the process that started it lives", async () => {
  await copyInitialised();
  const server = await start();

  const error = await failureOf(start());

  expect(error).toMatchObject({ failure: "already_running" });
  expect(error.message).toContain(String(process.pid));
  expect(await query(server, "SELECT 1 AS still_there")).toEqual([{ still_there: 1 }]);
});

test("a server left behind by a killed process is stopped, and the next start has its data", async () => {
  await copyInitialised();
  const left = await start();
  await query(left, "CREATE TABLE note AS SELECT 'kept' AS text");
  await left.stop();
  const leftPid = await startWithDeadOwner();

  const server = await start();

  expect(isAlive(leftPid)).toBe(false);
  expect(await query(server, "SELECT text FROM note")).toEqual([{ text: "kept" }]);
});

test("a postmaster.pid that names a living process of another kind is no obstacle, and that process is left alone", async () => {
  await copyInitialised();
  await (await start()).stop();
  const bystander = spawn("sleep", ["600"]);
  const now = Math.floor(Date.now() / 1000);
  const data = path.join(directory, "data");
  await writeFile(path.join(data, "postmaster.pid"), `${bystander.pid}\n${data}\n${now}\n5432\n\n127.0.0.1\n\nready\n`);
  try {
    await query(await start(), "SELECT 1");
    expect(bystander.exitCode ?? bystander.signalCode).toBeNull();
  } finally {
    bystander.kill();
    await once(bystander, "exit");
  }
});

test("a server that was killed outright recovers at the next start", async () => {
  await copyInitialised();
  const killed = await start({ durable: true });
  await query(killed, "CREATE TABLE note AS SELECT 'kept' AS text");
  process.kill(await pidOf(), "SIGKILL");
  await killed.ended;

  expect(await query(await start({ durable: true }), "SELECT text FROM note")).toEqual([{ text: "kept" }]);
});

test("a taken port is named", async () => {
  await copyInitialised();
  const squatter = createServer().listen(0, "127.0.0.1");
  await once(squatter, "listening");
  const { port } = squatter.address() as { port: number };
  try {
    const error = await failureOf(start({ port }));
    expect(error).toMatchObject({ failure: "port_taken" });
    expect(error.message).toContain(`Port ${port}`);
  } finally {
    squatter.close();
  }
});

test("the port that was asked for is the port it listens on", async () => {
  await copyInitialised();
  const first = await start();
  await first.stop();

  expect((await start({ port: first.port })).port).toBe(first.port);
});

test("a directory that holds something else is not touched", async () => {
  await mkdir(directory);
  await writeFile(path.join(directory, "thesis.txt"), "irreplaceable");

  expect(await failureOf(start())).toMatchObject({ failure: "directory_not_ours" });
  expect(await readdir(parent)).toEqual(["postgres"]);
  expect(await readFile(path.join(directory, "thesis.txt"), "utf8")).toBe("irreplaceable");
});

test("a path where no directory can be is reported as not writable", async () => {
  await writeFile(path.join(parent, "file"), "");

  const error = await failureOf(start({ directory: path.join(parent, "file", "postgres") }));

  expect(error).toMatchObject({ failure: "directory_not_writable" });
});

test("a database of another major version is refused with both versions named", async () => {
  await copyInitialised();
  await (await start()).stop();
  await writeFile(path.join(directory, "data", "PG_VERSION"), "15\n");

  const error = await failureOf(start());

  expect(error).toMatchObject({ failure: "wrong_version" });
  expect(error.message).toMatch(/PostgreSQL 15.*PostgreSQL 18/);
});

test.runIf(process.getuid?.() === 0)(
  "as root, it runs as another user, also below a directory that is closed to them",
  async () => {
    await chmod(parent, 0o700);
    const server = await start();
    const status = await readFile(`/proc/${await pidOf()}/status`, "utf8");

    expect(await query(server, "SELECT 1 AS works")).toEqual([{ works: 1 }]);
    expect(/^Uid:\s+(\d+)/m.exec(status)?.[1]).not.toBe("0");
  },
);

test.runIf(process.getuid?.() === 0)(
  "as root, it gets no capability where the directory is open to other users",
  async () => {
    await chmod(parent, 0o755);
    await start();
    const status = await readFile(`/proc/${await pidOf()}/status`, "utf8");

    expect(/^CapEff:\s+(\S+)/m.exec(status)?.[1]).toBe("0000000000000000");
  },
);

async function deadPid(): Promise<number> {
  const child = spawn("true");
  await once(child, "exit");
  return child.pid ?? expect.fail("no pid");
}

/** A server as a killed run leaves it: alive, and naming an owner that is gone. */
async function startWithDeadOwner(): Promise<number> {
  const owner = spawn("sleep", ["600"]);
  const identity = await processIdentity(owner.pid ?? expect.fail("no pid"));
  owner.kill("SIGKILL");
  await once(owner, "exit");

  const binaries = await postgresBinaries();
  const settings = ["unix_socket_directories=", `port=${await freePort()}`, `dripline.owner=${identity}`];
  const programArguments = ["-D", path.join(directory, "data"), ...settings.flatMap((setting) => ["-c", setting])];
  const account = await postgresAccount(directory, binaries);
  await new Promise<void>((resolve, reject) => {
    spawnPostgresProgram(account, binaries.postgres, programArguments, (line) => {
      if (line.includes("ready to accept connections")) resolve();
    }).catch(reject);
  });
  return pidOf();
}
