import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Database, openDatabase } from "@dripline/db/database";
import { migrateDatabase } from "@dripline/db/migrate";
import { startPostgres } from "@dripline/embedded/postgres";
import { migratePostgresQueue } from "@dripline/queue/migrate-postgres-queue";
import { openWakeQueue } from "@dripline/queue/open-wake-queue";
import type { WakeQueue } from "@dripline/queue/wake-queue";
import { Redis } from "ioredis";
import pg from "pg";
import { startRestartableRedis } from "../../chaos/services/restartable-redis.ts";
import { cpuSeconds } from "./cpu.ts";
import { type MailSink, startMailSink } from "./mail-sink.ts";

export type Backend = "redis" | "postgres";

/** Everything that a run stands on, as production has it: `fsync` and `synchronous_commit` on, AOF every second. */
export interface Services {
  readonly sink: MailSink;
  readonly redis: Redis;
  readonly redisUrl: string;
  /** CPU seconds of PostgreSQL, Redis and the sink until now; of given ones that run elsewhere nothing is known. */
  cpuSeconds(): Promise<number>;
  /** What is measured, for the table. */
  describe(): Promise<string>;
  /** An installation of its own for one measurement: an empty, migrated database and an empty queue. */
  install(backend: Backend): Promise<Installation>;
  stop(): Promise<void>;
}

export interface Installation {
  readonly backend: Backend;
  readonly database: Database;
  readonly queue: WakeQueue;
  /** What the API and the workers are started with. */
  readonly env: Readonly<Record<string, string>>;
  remove(): Promise<void>;
}

/** Embedded ones, or those at BENCH_DATABASE_URL (a server on which databases can be made) and BENCH_REDIS_URL (it is emptied). */
export async function startServices(given: NodeJS.ProcessEnv): Promise<Services> {
  const directory = await mkdtemp(join(tmpdir(), "dripline-bench-"));
  await chmod(directory, 0o755); // PostgreSQL runs as another user when we are root
  const undo: (() => Promise<unknown>)[] = [() => rm(directory, { recursive: true, force: true })];
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const postgres = given.BENCH_DATABASE_URL
      ? undefined
      : await startPostgres({ directory: join(directory, "pg"), log: () => {}, durable: true });
    if (postgres !== undefined) undo.push(() => postgres.stop());
    const postgresUrl = postgres?.url ?? given.BENCH_DATABASE_URL ?? "";
    const ownRedis = given.BENCH_REDIS_URL
      ? undefined
      : await startRestartableRedis(join(directory, "redis"), () => {});
    if (ownRedis !== undefined) undo.push(() => ownRedis.stop());
    const redisUrl = ownRedis?.url ?? given.BENCH_REDIS_URL ?? "";
    const redis = new Redis(redisUrl);
    undo.push(async () => redis.disconnect());
    const sink = await startMailSink();
    undo.push(() => sink.stop());
    const pids = [sink.pid, ...(await ownPids(postgres && join(directory, "pg"), ownRedis && redis))];
    return {
      sink,
      redis,
      redisUrl,
      cpuSeconds: () => cpuSeconds(pids),
      describe: () => describe(postgresUrl, redis, sink),
      install: (backend) => install(backend, postgresUrl, redisUrl, redis, sink),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function ownPids(postgresDirectory: string | undefined, redis: Redis | undefined): Promise<number[]> {
  const pids: number[] = [];
  if (postgresDirectory !== undefined) {
    pids.push(Number((await readFile(join(postgresDirectory, "data", "postmaster.pid"), "utf8")).split("\n")[0]));
  }
  if (redis !== undefined) pids.push(Number(/process_id:(\d+)/.exec(await redis.info("server"))?.[1]));
  return pids;
}

async function describe(postgresUrl: string, redis: Redis, sink: MailSink): Promise<string> {
  const client = new pg.Client(postgresUrl);
  await client.connect();
  const { rows } = await client.query(
    "select current_setting('server_version') as version, current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit",
  );
  await client.end();
  const redisVersion = /redis_version:(\S+)/.exec(await redis.info("server"))?.[1];
  const [, appends] = (await redis.config("GET", "appendfsync")) as string[];
  const { version, fsync, commit } = rows[0];
  return `PostgreSQL ${version} (fsync ${fsync}, synchronous_commit ${commit}), Redis ${redisVersion} (appendfsync ${appends}), mail to ${sink.name}`;
}

async function install(
  backend: Backend,
  postgresUrl: string,
  redisUrl: string,
  redis: Redis,
  sink: MailSink,
): Promise<Installation> {
  const name = `bench_${randomBytes(4).toString("hex")}`;
  const admin = async (statement: string) => {
    const client = new pg.Client(postgresUrl);
    await client.connect();
    await client.query(statement);
    await client.end();
  };
  await admin(`create database ${name}`);
  await redis.flushall();
  await sink.forget();
  const url = new URL(postgresUrl);
  url.pathname = `/${name}`;
  await migrateDatabase(url.href);
  await migratePostgresQueue(url.href);
  const database = openDatabase({ url: url.href, connectionsMax: 4, applicationName: "bench", onError: () => {} });
  const ofBackend = backend === "redis" ? { REDIS_URL: redisUrl } : {};
  const queue = openWakeQueue({
    redisUrl: ofBackend.REDIS_URL,
    databaseUrl: url.href,
    now: () => new Date(),
    role: "producer",
  });
  return {
    backend,
    database,
    queue,
    env: {
      DATABASE_URL: url.href,
      ...ofBackend,
      SMTP_URL: sink.url,
      MAIL_FROM: "Bench <bench@example.com>",
      DRIPLINE_SECRET: randomBytes(24).toString("hex"),
      DRIPLINE_PUBLIC_URL: "https://bench.example.com",
      LOG_LEVEL: "info",
    },
    async remove() {
      await queue.close();
      await database.end();
      await admin(`drop database ${name} with (force)`);
    },
  };
}
