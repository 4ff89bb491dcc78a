import { explainDatabaseError } from "@dripline/db/explain-database-error";
import { UserError } from "./user-error.ts";

/** Loads what {@link migrateAll} needs, half a second's worth, while there is nothing else to do. */
export function prepareMigrations(redisUrl: string | undefined): void {
  void import("@dripline/db/migrate").catch(() => {});
  if (redisUrl === undefined) void import("@dripline/queue/migrate-postgres-queue").catch(() => {});
}

/**
 * Brings a database to this version: our tables, and BullMQ's if the queue lives there too. Safe to run at any time, by
 * several at once.
 * @throws UserError when the database cannot be reached or used
 */
export async function migrateAll(databaseUrl: string, redisUrl: string | undefined): Promise<void> {
  if (redisUrl !== undefined) await requireRedis(databaseUrl, redisUrl);
  try {
    const { migrateDatabase } = await import("@dripline/db/migrate");
    await migrateDatabase(databaseUrl);
    if (redisUrl !== undefined) return;
    const { migratePostgresQueue } = await import("@dripline/queue/migrate-postgres-queue");
    await migratePostgresQueue(databaseUrl);
  } catch (error) {
    const sentence = explainDatabaseError(error, databaseUrl);
    throw sentence === undefined ? error : new UserError(sentence, { cause: error });
  }
}

/** @throws UserError when the Redis that was asked for cannot be reached or relied on */
async function requireRedis(databaseUrl: string, redisUrl: string): Promise<void> {
  const { openWakeQueue } = await import("@dripline/queue/open-wake-queue");
  const queue = openWakeQueue({ databaseUrl, redisUrl, now: () => new Date(), role: "producer" });
  try {
    const { problems } = await queue.check();
    if (problems.length > 0) throw new UserError(`REDIS_URL: ${problems.join(" ")}`);
  } finally {
    await queue.close();
  }
}
