import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { drizzle } from "drizzle-orm/node-postgres";
import { migrate } from "drizzle-orm/node-postgres/migrator";
import pg from "pg";

const migrationsFolder = fileURLToPath(new URL("../migrations", import.meta.url));

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

export type MigrationState = "current" | "behind" | "newer";

/** Whether the database has exactly the migrations that this version ships, fewer, or ones it does not know. */
export async function migrationState(database: Pick<pg.PoolClient, "query">): Promise<MigrationState> {
  const journal = JSON.parse(await readFile(`${migrationsFolder}/meta/_journal.json`, "utf8")) as {
    entries: { when: number }[];
  };
  const newestKnown = Math.max(...journal.entries.map((entry) => entry.when));
  const table = await database.query("select to_regclass('drizzle.__drizzle_migrations') as name");
  if (table.rows[0]?.name === null) return "behind";
  const { rows } = await database.query<{ newest: string | null }>(
    "select max(created_at) as newest from drizzle.__drizzle_migrations",
  );
  const newest = Number(rows[0]?.newest ?? 0);
  return newest === newestKnown ? "current" : newest < newestKnown ? "behind" : "newer";
}
