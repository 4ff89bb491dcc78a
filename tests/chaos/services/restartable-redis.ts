import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { freePort } from "@dripline/embedded/free-port";
import { installDebianRedis } from "@dripline/testkit/debian-redis";
import { redisProgram } from "@dripline/testkit/redis-server";
import { waitFor } from "@dripline/testkit/wait-for";
import { Redis } from "ioredis";

/** A Redis of one run, set up as production is told to: AOF every second, `noeviction`. */
export interface RestartableRedis {
  readonly url: string;
  readonly port: number;
  flushAll(): Promise<void>;
  /** `kill -9`: up to a second of what it acknowledged is gone. It is down for so long. */
  kill(downMilliseconds: number): Promise<void>;
  stop(): Promise<void>;
}

export async function startRestartableRedis(directory: string, log: (line: string) => void): Promise<RestartableRedis> {
  const program = (await redisProgram(process.env)) ?? (await installDebianRedis(log));
  if (program === undefined)
    throw new Error("There is no redis-server or valkey-server: install one, or run --profile postgres.");
  await mkdir(directory, { recursive: true });
  const port = await freePort();
  let isStopping = false;
  let child = start();
  const admin = new Redis({ host: "127.0.0.1", port, maxRetriesPerRequest: null, retryStrategy: () => 100 });
  admin.on("error", () => {});
  await answers();

  function start(): ChildProcess {
    const settings = { bind: "127.0.0.1", port, dir: directory, save: "", appendonly: "yes", appendfsync: "everysec" };
    const flags = Object.entries({ ...settings, "maxmemory-policy": "noeviction" });
    const started = spawn(
      program as string,
      flags.flatMap(([name, value]) => [`--${name}`, String(value)]),
      {
        detached: true, // Ctrl-C ends the run, and the run ends the server
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    for (const stream of [started.stdout, started.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => log(text.trimEnd()));
    }
    started.once("exit", (code, signal) => {
      if (!isStopping && started === child && signal !== "SIGKILL") log(`redis ended by itself: ${code ?? signal}`);
    });
    return started;
  }

  async function answers(): Promise<void> {
    const describe = "Redis to answer";
    await waitFor(async () => (await admin.ping()) === "PONG", { timeoutMilliseconds: 20_000, describe });
  }

  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    async flushAll() {
      await admin.flushall();
    },
    async kill(downMilliseconds) {
      const killed = child;
      killed.kill("SIGKILL");
      await once(killed, "exit");
      await new Promise((resolve) => setTimeout(resolve, downMilliseconds));
      child = start();
      await answers();
    },
    async stop() {
      isStopping = true;
      admin.disconnect();
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}
