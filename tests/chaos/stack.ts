import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createApiKey } from "@dripline/db/api-keys";
import { type Database, openDatabase } from "@dripline/db/database";
import { migrateDatabase } from "@dripline/db/migrate";
import { freePort } from "@dripline/embedded/free-port";
import { migratePostgresQueue } from "@dripline/queue/migrate-postgres-queue";
import { recordTransitions } from "./history/record-transitions.ts";
import type { Profile } from "./profiles.ts";
import { type FaultyProxy, openFaultyProxy } from "./services/faulty-proxy.ts";
import { type RestartablePostgres, startRestartablePostgres } from "./services/restartable-postgres.ts";
import { type RestartableRedis, startRestartableRedis } from "./services/restartable-redis.ts";
import { type SinkProcess, startSink } from "./services/sink-process.ts";
import { type ProcessEnd, type Supervised, supervise } from "./services/supervised.ts";
import type { SinkEntry } from "./sink/sink-entry.ts";
import type { ZoneChange } from "./workload/zone-change.ts";

/** A whole installation of one run: servers, the ways to them, and the real processes. */
export interface Stack {
  readonly postgres: RestartablePostgres;
  readonly redis: RestartableRedis | undefined;
  readonly sink: SinkProcess;
  readonly proxies: {
    readonly postgres: FaultyProxy;
    readonly redis: FaultyProxy | undefined;
    readonly smtp: FaultyProxy;
  };
  readonly api: Supervised;
  readonly workers: readonly Supervised[];
  /** Straight to the server, past the proxy. */
  readonly database: Database;
  readonly apiUrl: string;
  readonly apiKey: string;
  stopProcesses(): Promise<void>;
  stop(): Promise<void>;
}

export interface StackOptions {
  readonly seed: number;
  readonly profile: Profile;
  /** Where logs and data go. */
  readonly directory: string;
  /** A zone that changes its offset during the run, for the API and the workers alike. */
  readonly zoneChange?: ZoneChange | undefined;
  /** The program of every worker; the real one unless a control takes a protection away. */
  readonly workerPath?: string;
  readonly onArrival: (entry: SinkEntry) => void;
  readonly onEnd: (end: ProcessEnd) => void;
}

// Short, so that a run of minutes sees many of them end.
export const claimLeaseSeconds = 4;
const finalReplySeconds = 3;
export const dataLeaseSeconds = claimLeaseSeconds + finalReplySeconds;
/** Delays of minutes pass in fractions of a second, and the five minutes of the first backoff in 0.8 s. */
const dayLength = "4m";

export async function startStack(options: StackOptions): Promise<Stack> {
  const { directory, profile } = options;
  await mkdir(directory, { recursive: true });
  const log = (name: string) => join(directory, `${name}.log`);
  const undo: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  const kept = async <T>(starting: Promise<T>, end: (started: T) => Promise<unknown>): Promise<T> => {
    const started = await starting;
    undo.push(() => end(started));
    return started;
  };
  try {
    const postgres = await kept(
      startRestartablePostgres(join(directory, "postgres"), () => {}),
      (server) => server.stop(),
    );
    await migrateDatabase(postgres.url);
    if (profile.backend === "postgres") await migratePostgresQueue(postgres.url);
    const database = openDatabase({
      url: postgres.url,
      connectionsMax: 3,
      applicationName: "chaos",
      onError: () => {},
    });
    undo.push(() => database.end());
    await recordTransitions(database);
    const apiKey = (await createApiKey(database, { name: "chaos", now: new Date(), scopes: ["admin"] })).key;
    const redis =
      profile.backend === "redis"
        ? await kept(
            startRestartableRedis(join(directory, "redis"), () => {}),
            (server) => server.stop(),
          )
        : undefined;
    const sink = await kept(
      startSink({
        seed: options.seed,
        faults: profile.sinkFaults,
        logPath: join(directory, "sink.jsonl"),
        processLogPath: log("sink"),
        onArrival: options.onArrival,
      }),
      (process) => process.stop(),
    );
    const close = (proxy: FaultyProxy) => proxy.close();
    const proxies = {
      postgres: await kept(openFaultyProxy(postgres.port), close),
      redis: redis && (await kept(openFaultyProxy(redis.port), close)),
      smtp: await kept(openFaultyProxy(sink.port), close),
    };

    const apiPort = await freePort();
    const through = new URL(postgres.url);
    through.port = String(proxies.postgres.port);
    const env = {
      DATABASE_URL: through.href,
      ...(proxies.redis === undefined ? {} : { REDIS_URL: `redis://127.0.0.1:${proxies.redis.port}` }),
      SMTP_URL: `smtp://127.0.0.1:${proxies.smtp.port}`,
      MAIL_FROM: "Chaos <chaos@chaos.test>",
      DRIPLINE_SECRET: randomBytes(24).toString("hex"),
      API_PORT: String(apiPort),
      DRIPLINE_DAY_LENGTH: dayLength,
      // Together shorter than the claim's lease, as the worker wants it.
      SMTP_CONNECT_SECONDS: "2",
      SMTP_ENVELOPE_SECONDS: "1",
      CLAIM_LEASE_SECONDS: String(claimLeaseSeconds),
      SMTP_FINAL_REPLY_SECONDS: String(finalReplySeconds),
      WORKER_CONCURRENCY: "10",
      SHUTDOWN_GRACE_SECONDS: "10",
      OVERDUE_GAP_MINUTES: "0",
      LOG_LEVEL: "info",
    };
    const app = (name: "api" | "worker") =>
      fileURLToPath(new URL(`../../../apps/${name}/dist/main.js`, import.meta.url));
    const zone = options.zoneChange === undefined ? [] : changingZone(options.zoneChange);
    const api = supervise({ name: "api", arguments: [...zone, app("api")], env, logPath: log("api") }, options.onEnd);
    const workers = Array.from({ length: profile.workers }, (_, index) => {
      const name = `worker-${index + 1}`;
      const preload = index === 0 && profile.clockJumpHours > 0 ? clockJumps(profile.clockJumpHours) : [];
      const program = [...zone, ...preload, options.workerPath ?? app("worker")];
      return supervise({ name, arguments: program, env, logPath: log(name) }, options.onEnd);
    });
    const stopProcesses = async () => {
      await Promise.all([api, ...workers].map((process) => process.stop()));
    };
    undo.push(stopProcesses);
    await Promise.all([api, ...workers].map((process) => readyInTime(process, log(process.name))));
    const apiUrl = `http://127.0.0.1:${apiPort}`;
    return { postgres, redis, sink, proxies, api, workers, database, apiUrl, apiKey, stopProcesses, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const startMillisecondsMax = 60_000;

async function readyInTime(process: Supervised, logPath: string): Promise<void> {
  const late = new Promise<never>((_, reject) => {
    const why = `${process.name} was not ready after ${startMillisecondsMax / 1_000} s: see ${logPath}`;
    setTimeout(() => reject(new Error(why)), startMillisecondsMax).unref();
  });
  await Promise.race([process.whenReady(), late]);
}

function changingZone(change: ZoneChange): string[] {
  const url = new URL("services/changing-zone.js", import.meta.url);
  url.searchParams.set("change", JSON.stringify(change));
  return ["--import", url.href];
}

function clockJumps(hours: number): string[] {
  return ["--import", new URL(`services/jumping-clock.js?hours=${hours}`, import.meta.url).href];
}
