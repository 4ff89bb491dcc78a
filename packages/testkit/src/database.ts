import { randomBytes } from "node:crypto";
import pg from "pg";
import { afterAll, inject } from "vitest";
import "./provided-services.ts";

export type FreshDatabase = { url: string; pool: pg.Pool; drop(): Promise<void> };

/**
 * A database of its own for the calling test file: fully migrated, otherwise empty. Call it at the top level of the
 * file (`const database = await freshDatabase()`), then it is dropped after the file's last test, along with `pool`.
 * @throws when the file is not named `*.it.test.ts`: then no PostgreSQL was started for it.
 */
export async function freshDatabase(): Promise<FreshDatabase> {
  const services = inject("services");
  if (services === undefined) throw new Error("Name the test file *.it.test.ts: services are started for those only.");
  const { adminUrl, template, prefix } = services.postgres;
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
  afterAll(drop);
  return { url: url.href, pool, drop };
}

async function runAsAdmin(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
