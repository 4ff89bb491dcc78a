import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Database, openDatabase } from "@dripline/db/database";
import { migrateDatabase } from "@dripline/db/migrate";
import { writeAdoption } from "@dripline/db/write-adoption";
import { startPostgres } from "@dripline/embedded/postgres";
import { migratePostgresQueue } from "@dripline/queue/migrate-postgres-queue";
import { openWakeQueue } from "@dripline/queue/open-wake-queue";
import type { WakeQueue } from "@dripline/queue/wake-queue";
import { Redis } from "ioredis";
import pg from "pg";
import { startRestartableRedis } from "../../chaos/services/restartable-redis.ts";
import { cpuSeconds } from "./cpu.ts";
import { type MailSink, type MailSinkKind, startMailSink } from "./mail-sink.ts";

export type Backend = "redis" | "postgres";

/** Everything that a run stands on, as production has it: `fsync` and `synchronous_commit` on, AOF every second. */
export interface Services {
  readonly sink: MailSink;
  readonly redis: Redis;
  /** Of the logical database that the ceilings have to themselves. */
  readonly ceilingRedisUrl: string;
  /** CPU seconds until now; of given ones that run elsewhere nothing is known, and 0 is said. */
  cpuSeconds(): Promise<ServiceCpu>;
  /** What is measured, for the table. */
  describe(): Promise<ServiceVersions>;
  /**
   * An installation of its own for one measurement: an empty, migrated database and an empty queue. Two that stand at the
   * same time have different places.
   */
  install(backend: Backend, place?: InstallationPlace): Promise<Installation>;
  stop(): Promise<void>;
}

export interface ServiceCpu {
  readonly postgres: number;
  readonly redis: number;
  readonly sink: number;
}

/** The logical database of Redis; 3 is the ceilings'. */
export type InstallationPlace = 0 | 1 | 2;
const ceilingPlace = 3;

/** Their versions, and what they do for safety. */
export interface ServiceVersions {
  readonly postgres: string;
  readonly redis: string;
  readonly sink: string;
  /** Given services run where their CPU time cannot be read: only that of our own processes is counted then. */
  readonly areEmbedded: boolean;
}

export interface Installation {
  readonly backend: Backend;
  readonly database: Database;
  readonly queue: WakeQueue;
  /** What the API and the workers are started with. */
  readonly env: Readonly<Record<string, string>>;
  remove(): Promise<void>;
}

/** Embedded ones, or those at BENCH_DATABASE_URL (a server on which databases can be made) and BENCH_REDIS_URL (emptied). */
export async function startServices(given: NodeJS.ProcessEnv, wantedSink: MailSinkKind | undefined): Promise<Services> {
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
    const ownRedis = given.BENCH_REDIS_URL ? undefined : await startRedis(join(directory, "redis"));
    if (ownRedis !== undefined) undo.push(() => ownRedis.stop());
    const redisUrl = ownRedis?.url ?? given.BENCH_REDIS_URL ?? "";
    const redis = new Redis(redisUrl);
    undo.push(async () => redis.disconnect());
    const sink = await startMailSink(wantedSink);
    undo.push(() => sink.stop());
    const template = await makeTemplateDatabase(postgresUrl);
    undo.push(() => template.remove());
    const pids = {
      postgres: postgres === undefined ? [] : [await postgresPid(join(directory, "pg"))],
      redis: ownRedis === undefined ? [] : [await redisPid(redis)],
      sink: [sink.pid],
    };
    return {
      sink,
      redis,
      ceilingRedisUrl: placeIn(redisUrl, ceilingPlace),
      cpuSeconds: async () => ({
        postgres: await cpuSeconds(pids.postgres),
        redis: await cpuSeconds(pids.redis),
        sink: await cpuSeconds(pids.sink),
      }),
      describe: async () => ({
        ...(await describe(postgresUrl, redis, sink)),
        areEmbedded: postgres !== undefined && ownRedis !== undefined,
      }),
      install: (backend, place = 0) =>
        install({ backend, postgresUrl, template: template.name, redisUrl: placeIn(redisUrl, place), sink }),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startRedis(directory: string) {
  try {
    return await startRestartableRedis(directory, () => {});
  } catch (cause) {
    throw new Error("No Redis: install redis-server or valkey-server, or give one in BENCH_REDIS_URL.", { cause });
  }
}

function placeIn(redisUrl: string, place: number): string {
  const url = new URL(redisUrl);
  url.pathname = String(place);
  return url.href;
}

async function postgresPid(directory: string): Promise<number> {
  return Number((await readFile(join(directory, "data", "postmaster.pid"), "utf8")).split("\n")[0]);
}

async function redisPid(redis: Redis): Promise<number> {
  return Number(/process_id:(\d+)/.exec(await redis.info("server"))?.[1]);
}

async function describe(
  postgresUrl: string,
  redis: Redis,
  sink: MailSink,
): Promise<Omit<ServiceVersions, "areEmbedded">> {
  const [row] = await asAdmin(
    postgresUrl,
    "select current_setting('server_version') as version, current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit",
  );
  const redisVersion = /redis_version:(\S+)/.exec(await redis.info("server"))?.[1];
  const setting = async (name: string) => ((await redis.config("GET", name)) as string[])[1];
  const [appends, when] = [await setting("appendonly"), await setting("appendfsync")];
  return {
    postgres: `${row?.version} (fsync ${row?.fsync}, synchronous_commit ${row?.commit})`,
    redis: `${redisVersion} (appendonly ${appends}, appendfsync ${when})`,
    sink: sink.name,
  };
}

/** Migrated once; each installation is a copy of it. */
async function makeTemplateDatabase(postgresUrl: string): Promise<{ name: string; remove(): Promise<unknown> }> {
  const name = `bench_template_${randomBytes(4).toString("hex")}`;
  await asAdmin(postgresUrl, `create database ${name}`);
  const url = databaseIn(postgresUrl, name);
  await migrateDatabase(url);
  await migratePostgresQueue(url);
  return { name, remove: () => asAdmin(postgresUrl, `drop database ${name} with (force)`) };
}

async function asAdmin(postgresUrl: string, statement: string): Promise<Record<string, string>[]> {
  const client = new pg.Client(postgresUrl);
  await client.connect();
  const { rows } = await client.query<Record<string, string>>(statement);
  await client.end();
  return rows;
}

function databaseIn(postgresUrl: string, name: string): string {
  const url = new URL(postgresUrl);
  url.pathname = `/${name}`;
  return url.href;
}

async function install(options: {
  readonly backend: Backend;
  readonly postgresUrl: string;
  readonly template: string;
  readonly redisUrl: string;
  readonly sink: MailSink;
}): Promise<Installation> {
  const { backend, postgresUrl, sink, redisUrl } = options;
  const name = `bench_${randomBytes(4).toString("hex")}`;
  await asAdmin(postgresUrl, `create database ${name} template ${options.template}`);
  await flush(redisUrl);
  const url = databaseIn(postgresUrl, name);
  const database = openDatabase({
    url,
    connectionsMax: 4,
    applicationName: "bench",
    patience: { connect: 5_000, statement: 0, answer: 3_600_000 }, // a million people are written by few statements
    onError: () => {},
  });
  await writeAdoption(database, { publicOrigin: null, now: new Date(), by: "bench" }); // it is a copy
  const ofBackend = backend === "redis" ? { REDIS_URL: redisUrl } : {};
  const queue = openWakeQueue({
    redisUrl: ofBackend.REDIS_URL,
    databaseUrl: url,
    now: () => new Date(),
    role: "producer",
  });
  return {
    backend,
    database,
    queue,
    env: {
      DATABASE_URL: url,
      ...ofBackend,
      SMTP_URL: sink.url,
      MAIL_FROM: "Bench <bench@example.com>",
      DRIPLINE_SECRET: randomBytes(24).toString("hex"),
      PUBLIC_URL: "https://bench.example.com",
      LOG_LEVEL: "info",
    },
    async remove() {
      await queue.close();
      await database.end();
      await asAdmin(postgresUrl, `drop database ${name} with (force)`);
      await flush(redisUrl);
    },
  };
}

async function flush(redisUrl: string): Promise<void> {
  const redis = new Redis(redisUrl);
  await redis.flushdb();
  redis.disconnect();
}
