import { setTimeout as wait } from "node:timers/promises";
import { drizzle } from "drizzle-orm/node-postgres";
import { migrate } from "drizzle-orm/node-postgres/migrator";
import pg from "pg";
import { migrationsFolder } from "./migration-state.ts";

/** Any number that nobody else in this database uses for an advisory lock: "drip" in ASCII. */
const migrationLock = 0x64726970;

/**
 * Whoever changes a table waits for everybody who reads it, and everybody who comes after waits for them: behind one long
 * report all sending would stand still. So it gives up after a moment, lets the others through, and tries again.
 */
const lockWaits = { eachMilliseconds: 2_000, restMilliseconds: 1_000, triesMax: 60 };

/**
 * Brings the database to the schema of this version. Forward only; several callers at once take turns. The version before
 * may run meanwhile, and goes on.
 * @throws when the database cannot be reached, a migration fails, or a table is not to be had for minutes (then that
 * migration left nothing behind)
 */
export async function migrateDatabase(url: string, locks: typeof lockWaits = lockWaits): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on("error", () => {}); // the pending query rejects as well; without a listener the process would end
  await client.connect();
  try {
    await client.query("select pg_advisory_lock($1)", [migrationLock]);
    await client.query(`set lock_timeout = ${locks.eachMilliseconds}`);
    for (let tries = 1; ; tries += 1) {
      try {
        return await migrate(drizzle({ client }), { migrationsFolder });
      } catch (error) {
        if (!isLockRefused(error) || tries >= locks.triesMax) throw error;
        await wait(locks.restMilliseconds);
      }
    }
  } finally {
    await client.end();
  }
}

/** lock_not_available, wherever the migrator has wrapped it. */
function isLockRefused(error: unknown): boolean {
  for (let e = error; e instanceof Error; e = e.cause) if ((e as { code?: unknown }).code === "55P03") return true;
  return false;
}
