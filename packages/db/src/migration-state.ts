import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type pg from "pg";

export const migrationsFolder: string = fileURLToPath(new URL("../migrations", import.meta.url));

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
