import { randomBytes } from "node:crypto";
import { writeAdoption } from "@dripline/db/write-adoption";
import pg from "pg";
import { afterAll, inject } from "vitest";
import type { ProvidedServices } from "./provided-services.ts";
import { waitFor } from "./wait-for.ts";

export type FreshDatabase = { url: string; pool: pg.Pool; drop(): Promise<void> };

/**
 * A database of its own for the calling test file: fully migrated and adopted, otherwise empty. Call it at the top level
 * of the file (`const database = await freshDatabase()`), then it is dropped after the file's last test, along with `pool`.
 * @throws when the file is not named `*.it.test.ts`: then no PostgreSQL was started for it.
 */
export async function freshDatabase(): Promise<FreshDatabase> {
  const services = ofThisRun();
  const database = await copy(services, services.template);
  // A copy sends nothing until it is adopted.
  await onConnection(database.url, (client) =>
    writeAdoption(client, { publicOrigin: null, now: new Date(), by: "a test" }),
  );
  await untilNobodyIsIn(services, database.url);
  afterAll(database.drop);
  return database;
}

/** A database of its own without a table in it, dropped like a fresh one. */
export async function emptyDatabase(): Promise<FreshDatabase> {
  const database = await copy(ofThisRun(), "template1");
  afterAll(database.drop);
  return database;
}

/** A copy of another test database as it stands, made by the server; nobody may be connected to that one. Not adopted. */
export async function copyDatabase(url: string): Promise<FreshDatabase> {
  const services = ofThisRun();
  await untilNobodyIsIn(services, url);
  const database = await copy(services, nameIn(url));
  afterAll(database.drop);
  return database;
}

function ofThisRun(): ProvidedServices["postgres"] {
  const services = inject("services");
  if (services === undefined) throw new Error("Name the test file *.it.test.ts: services are started for those only.");
  return services.postgres;
}

async function copy({ adminUrl, prefix }: ProvidedServices["postgres"], template: string): Promise<FreshDatabase> {
  const name = `${prefix}_${randomBytes(6).toString("hex")}`;
  await runAsAdmin(adminUrl, `CREATE DATABASE ${name} TEMPLATE ${template}`);

  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  const pool = new pg.Pool({ connectionString: url.href });
  // A test may cut connections on purpose; one that reports it must not end the test process.
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));

  let dropping: Promise<void> | undefined;
  const dropOnce = async () => {
    if (!pool.ended) await pool.end();
    await runAsAdmin(adminUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  };
  const drop = () => {
    dropping ??= dropOnce();
    return dropping;
  };
  return { url: url.href, pool, drop };
}

/** A server takes a moment to see that a connection has ended. */
async function untilNobodyIsIn({ adminUrl }: ProvidedServices["postgres"], url: string): Promise<void> {
  const others = "SELECT FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend'";
  await onConnection(adminUrl, (admin) =>
    waitFor(async () => (await admin.query(others, [nameIn(url)])).rowCount === 0, {
      timeoutMilliseconds: 5_000,
      describe: "the last connection to the database to be gone",
    }),
  );
}

function nameIn(url: string): string {
  return new URL(url).pathname.slice(1);
}

function runAsAdmin(url: string, statement: string): Promise<unknown> {
  return onConnection(url, (client) => client.query(statement));
}

async function onConnection<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
