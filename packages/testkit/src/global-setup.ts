import { randomBytes } from "node:crypto";
import { migrateDatabase } from "@dripline/db/migrate";
import { migratePostgresQueue } from "@dripline/queue/migrate-postgres-queue";
import pg from "pg";
import type { TestProject } from "vitest/node";
import { startTestPostgres } from "./postgres-server.ts";
import type { ProvidedServices } from "./provided-services.ts";
import { startTestRedis } from "./redis-server.ts";

/**
 * Starts the one PostgreSQL and the one Redis of a test run, unless no selected file needs them, and migrates the
 * database that all test databases are copied from.
 * @throws when there is no PostgreSQL; or, with CI=true, no Redis.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (!needsServices(project)) {
    project.provide("services", undefined);
    return async () => {};
  }
  const started: { stop(): Promise<void> }[] = [];
  const stopAll = async () => {
    for (const service of started.reverse()) await service.stop();
  };
  try {
    // Both to their end before one failure counts: what starts later than the failure would never be stopped.
    const [postgres, redis] = await Promise.allSettled([
      startTestPostgres(process.env, say).then(async (server) => {
        started.push(server);
        const databases = await prepareDatabases(server.url);
        started.push({ stop: () => dropDatabases(databases) });
        say(`PostgreSQL for the tests: ${server.origin}`);
        return databases;
      }),
      startTestRedis(process.env, say).then((server) => {
        if (server !== undefined) started.push(server);
        return decideRedis(server);
      }),
    ]);
    if (postgres.status === "rejected") throw postgres.reason;
    if (redis.status === "rejected") throw redis.reason;
    project.provide("services", { postgres: postgres.value, redis: redis.value });
  } catch (error) {
    await stopAll();
    throw error;
  }
  return stopAll;
}

// The file name says what a test needs: `*.it.test.ts` run against real services, tests/ start the whole system. In
// watch mode the next rerun may select any of them.
function needsServices(project: TestProject): boolean {
  const selected = project.vitest.state.getPaths();
  return project.config.watch || selected.some((file) => /\.it\.test\.ts$|\/tests\//.test(file));
}

async function prepareDatabases(adminUrl: string): Promise<ProvidedServices["postgres"]> {
  const prefix = `dripline_test_${randomBytes(4).toString("hex")}`;
  const template = `${prefix}_template`;
  await withClient(adminUrl, (client) => client.query(`CREATE DATABASE ${template}`));
  const url = new URL(adminUrl);
  url.pathname = `/${template}`;
  await migrateDatabase(url.href);
  await migratePostgresQueue(url.href);
  return { adminUrl, template, prefix };
}

/** Those of this run that a crashed test file left behind, and the template. */
async function dropDatabases({ adminUrl, prefix }: ProvidedServices["postgres"]): Promise<void> {
  await withClient(adminUrl, async (client) => {
    const found = await client.query<{ datname: string }>(
      "SELECT datname FROM pg_database WHERE starts_with(datname, $1)",
      [prefix],
    );
    for (const { datname } of found.rows) {
      await client.query(`DROP DATABASE IF EXISTS ${client.escapeIdentifier(datname)} WITH (FORCE)`);
    }
  });
}

async function withClient(url: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

function decideRedis(server: Awaited<ReturnType<typeof startTestRedis>>): ProvidedServices["redis"] {
  if (server !== undefined) {
    say(`Redis for the tests: ${server.origin}`);
    return { url: server.url, databases: server.databases };
  }
  const missing = "No Redis for the tests: install redis-server or valkey-server, start Docker, or set TEST_REDIS_URL.";
  // A pipeline that silently tests half of the queue would be believed.
  if (process.env.CI === "true") throw new Error(missing);
  say(`${missing} Everything that needs it is SKIPPED.`);
  return { missing };
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
