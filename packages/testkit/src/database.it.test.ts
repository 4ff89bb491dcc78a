import pg from "pg";
import { expect, test } from "vitest";
import { freshDatabase } from "./database.ts";

const database = await freshDatabase();

test("a fresh database has our schema and BullMQ's", async () => {
  const { rows } = await database.pool.query<{ schema: string; tables: number }>(
    "SELECT schemaname AS schema, count(*)::int AS tables FROM pg_tables WHERE schemaname IN ('public', 'bullmq') GROUP BY 1",
  );

  expect(rows.map((row) => row.schema).sort()).toEqual(["bullmq", "public"]);
});

test("two fresh databases do not see each other's rows", async () => {
  const other = await freshDatabase();
  await database.pool.query("CREATE TABLE note AS SELECT 1");

  expect((await other.pool.query("SELECT to_regclass('note') AS note")).rows).toEqual([{ note: null }]);
  await other.drop();
});

test("drop() removes the database although somebody is still connected", async () => {
  const other = await freshDatabase();
  const straggler = new pg.Client({ connectionString: other.url });
  straggler.on("error", () => {});
  await straggler.connect();

  await other.drop();

  const name = new URL(other.url).pathname.slice(1);
  const found = await database.pool.query("SELECT FROM pg_database WHERE datname = $1", [name]);
  expect(found.rowCount).toBe(0);
  await straggler.end();
});
