import { emptyDatabase } from "@dripline/testkit/database";
import { expect, test } from "vitest";
import { migrateDatabase } from "./migrate.ts";
import { migrationState } from "./migration-state.ts";

test("several who migrate an empty database at once take turns, and all of them succeed", async () => {
  const { url, pool } = await emptyDatabase();
  await Promise.all([1, 2, 3, 4].map(() => migrateDatabase(url)));
  expect(await migrationState(pool)).toBe("current");
  const { rows } = await pool.query(
    "select count(*)::int - count(distinct hash)::int as again from drizzle.__drizzle_migrations",
  );
  expect(rows).toEqual([{ again: 0 }]);
});
