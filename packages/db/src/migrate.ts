import { drizzle } from "drizzle-orm/node-postgres";
import { migrate } from "drizzle-orm/node-postgres/migrator";
import pg from "pg";
import { migrationsFolder } from "./migration-state.ts";

/** Any number that nobody else in this database uses for an advisory lock: "drip" in ASCII. */
const migrationLock = 0x64726970;

/**
 * Brings the database to the schema of this version. Forward only; several callers at once take turns.
 * @throws when the database cannot be reached or a migration fails (then that migration left nothing behind).
 */
export async function migrateDatabase(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on("error", () => {}); // the pending query rejects as well; without a listener the process would end
  await client.connect();
  try {
    await client.query("select pg_advisory_lock($1)", [migrationLock]);
    await migrate(drizzle({ client }), { migrationsFolder });
  } finally {
    await client.end();
  }
}
