import { randomUUID } from "node:crypto";
import pg from "pg";
import { migratePostgresQueue } from "../migrate-postgres-queue.ts";

/** A fresh database in which the queue's tables are. */
export async function freshDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  const server = process.env.DRIPLINE_TEST_DATABASE_URL ?? "";
  const name = `queue_${randomUUID().replaceAll("-", "")}`;
  await onServer(server, `CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  await migratePostgresQueue(url.href);
  return { url: url.href, drop: () => onServer(server, `DROP DATABASE ${name} WITH (FORCE)`) };
}

async function onServer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(statement);
  await client.end();
}
