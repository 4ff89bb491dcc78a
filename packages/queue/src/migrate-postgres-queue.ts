import { runMigrations } from "bullmq";
import pg from "pg";
import { postgresQueueSchema } from "./postgres-queue-schema.ts";

/** A server that does not answer at all would otherwise keep a deployment waiting for the kernel's TCP timeout (minutes). */
const connectTimeoutMilliseconds = 10_000;

/**
 * Creates or upgrades BullMQ's tables in the schema `bullmq` of the database at `url`.
 *
 * Does nothing when they are up to date. Safe to run from several processes at once (an advisory lock lets one of
 * them work) and all or nothing: one transaction. Needs the right to create a schema. Throws what PostgreSQL said.
 */
export async function migratePostgresQueue(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: connectTimeoutMilliseconds });
  // Without a listener a connection that is lost between two statements ends the process.
  client.on("error", () => undefined);
  await client.connect();
  try {
    await runMigrations(client, postgresQueueSchema);
  } finally {
    await client.end();
  }
}
