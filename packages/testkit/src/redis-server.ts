import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:fs";
import { access, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { freePort } from "@dripline/embedded/free-port";
import { installDebianRedis } from "./debian-redis.ts";
import { isDockerAnswering } from "./docker.ts";

/** `databases`: how many logical databases the tests may use; all of them are emptied. */
export type TestRedis = { url: string; databases: number; origin: string; stop(): Promise<void> };

// One per vitest worker that runs at the same time; more than any machine has cores for.
const DATABASES = 64;

// What every server we did not start ourselves has at least (redis.conf's default).
const DATABASES_OF_OTHERS = 16;

/**
 * The Redis server of a test run: the one at TEST_REDIS_URL, else a container when Docker answers, else `redis-server`
 * or `valkey-server` from PATH, which root on Debian installs first. `undefined` when there is none to be had.
 */
export async function startTestRedis(
  environment: NodeJS.ProcessEnv,
  say: (line: string) => void,
): Promise<TestRedis | undefined> {
  const url = environment.TEST_REDIS_URL;
  if (url !== undefined && url !== "") {
    return { url, databases: DATABASES_OF_OTHERS, origin: "TEST_REDIS_URL", stop: async () => {} };
  }
  if (await isDockerAnswering(environment)) {
    try {
      return await startInContainer();
    } catch (error) {
      say(`Redis in Docker did not start (${String(error)}); looking for one on PATH.`);
    }
  }
  const program = (await redisProgram(environment)) ?? (await installDebianRedis(say));
  if (program === undefined) return undefined;
  const server = await startLocalRedis(program);
  return { ...server, databases: DATABASES, origin: program };
}

/** Where `redis-server` or `valkey-server` is on PATH. */
export async function redisProgram(environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  const directories = (environment.PATH ?? "").split(path.delimiter).filter((directory) => directory !== "");
  for (const name of ["redis-server", "valkey-server"]) {
    for (const directory of directories) {
      const candidate = path.join(directory, name);
      const isExecutable = await access(candidate, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (isExecutable) return candidate;
    }
  }
  return undefined;
}

export type LocalRedis = {
  url: string;
  port: number;
  /** In order; it waits for the end. */
  stop(): Promise<void>;
  /** A real signal; with one that ends it, it waits for the end. */
  signal(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT"): Promise<void>;
};

/**
 * Starts a Redis of its own, which keeps nothing on disk, on a free port of 127.0.0.1: for a test that flushes or stops
 * the whole server, which would disturb its neighbours on the shared one. `options` come after ours, as on the command line.
 */
export async function startLocalRedis(program: string, options: readonly string[] = []): Promise<LocalRedis> {
  const port = await freePort();
  const directory = await mkdtemp(path.join(tmpdir(), "dripline-test-redis-"));
  const own = [...serverOptions, "--bind", "127.0.0.1", "--port", String(port), "--dir", directory];
  return startRedisProgram({ program, args: [...own, ...options], port, directory });
}

/** Starts the program, in whichever mode its arguments say, and waits until it is ready. `directory` is removed at the end. */
export async function startRedisProgram(start: {
  program: string;
  args: readonly string[];
  port: number;
  directory: string;
}): Promise<LocalRedis> {
  const { program, args, port, directory } = start;
  const child = spawn(program, args, {
    // Ctrl-C ends the test run, and the run ends the server.
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: string[] = [];
  const ready = new Promise<boolean>((resolve) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      lines.push(line);
      if (/Ready to accept connections|Sentinel ID is/i.test(line)) resolve(true);
    });
    child.once("exit", () => resolve(false));
    child.once("error", () => resolve(false));
  });
  const isRunning = () => child.exitCode === null && child.signalCode === null && child.pid !== undefined;
  const stop = async () => {
    if (isRunning()) {
      child.kill("SIGTERM");
      child.kill("SIGCONT"); // one that a test has stopped would not hear it
      await once(child, "exit");
    }
    await rm(directory, { recursive: true, force: true });
  };
  const signal = async (name: NodeJS.Signals) => {
    child.kill(name);
    if (name === "SIGKILL" && isRunning()) await once(child, "exit");
  };
  if (await ready) return { url: `redis://127.0.0.1:${port}`, port, stop, signal };
  await stop();
  throw new Error(`${program} did not start: ${lines.join("\n")}`);
}

const serverOptions = [
  ...["--save", ""],
  ...["--appendonly", "no"],
  ...["--databases", String(DATABASES)],
  // What BullMQ needs, and what production has.
  ...["--maxmemory-policy", "noeviction"],
];

async function startInContainer(): Promise<TestRedis> {
  // Imported here: see postgres-server.ts.
  const { GenericContainer } = await import("testcontainers");
  const container = await new GenericContainer("redis:8")
    .withCommand(["redis-server", ...serverOptions])
    .withExposedPorts(6379)
    .start();
  return {
    url: `redis://${container.getHost()}:${container.getMappedPort(6379)}`,
    databases: DATABASES,
    origin: "Docker, redis:8",
    stop: async () => {
      await container.stop();
    },
  };
}
