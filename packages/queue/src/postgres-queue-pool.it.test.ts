import { freshDatabase } from "@dripline/testkit/database";
import { expect, onTestFinished, test } from "vitest";
import { openPostgresQueuePool, PostgresUnreachableError } from "./postgres-queue-pool.ts";

const database = await freshDatabase();

test("a connection that is lost between two statements does not end the process", async () => {
  const pool = openPostgresQueuePool(database.url, 2);
  onTestFinished(() => pool.end());
  const client = await pool.connect();
  const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  const ended = new Promise<void>((resolve) => client.on("end", resolve));

  await database.pool.query("SELECT pg_terminate_backend($1)", [rows[0]?.pid]);

  await ended;
  client.release(true);
  expect((await pool.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
});

test("a statement that is cut off by a shutdown counts as unreachable, not as the job's failure", async () => {
  const pool = openPostgresQueuePool(database.url, 2);
  onTestFinished(() => pool.end());

  const cutOff = pool.query("SELECT pg_terminate_backend(pg_backend_pid())");

  await expect(cutOff).rejects.toThrow(PostgresUnreachableError);
  await expect(cutOff).rejects.toMatchObject({ code: "ECONNREFUSED" });
});

test("two statements that lock each other out both succeed", async () => {
  const pool = openPostgresQueuePool(database.url, 3);
  onTestFinished(() => pool.end());
  await database.pool.query("CREATE TABLE bullmq.pair (id int PRIMARY KEY, n int NOT NULL)");
  await database.pool.query("INSERT INTO bullmq.pair VALUES (1, 0), (2, 0)");
  // Each holds one row for a while before it asks for the other: a sure deadlock.
  await database.pool.query(`CREATE FUNCTION bullmq.cross(first int, second int) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
      UPDATE bullmq.pair SET n = n + 1 WHERE id = first;
      PERFORM pg_sleep(0.3);
      UPDATE bullmq.pair SET n = n + 1 WHERE id = second;
    END $$`);

  await Promise.all([pool.query("SELECT bullmq.cross(1, 2)"), pool.query("SELECT bullmq.cross(2, 1)")]);

  const { rows } = await database.pool.query("SELECT n FROM bullmq.pair");
  expect(rows).toEqual([{ n: 2 }, { n: 2 }]);
  const deadlocks = "SELECT deadlocks > 0 AS met FROM pg_stat_database WHERE datname = current_database()";
  await expect.poll(async () => (await database.pool.query(deadlocks)).rows).toEqual([{ met: true }]);
});

test("every connection plans by index and once for all, whatever the statistics say", async () => {
  const pool = openPostgresQueuePool(database.url, 2);
  onTestFinished(() => pool.end());
  const settings = "SELECT name, setting FROM pg_settings WHERE name = ANY($1) ORDER BY name";
  const clients = await Promise.all([pool.connect(), pool.connect()]);
  for (const client of clients) {
    const { rows } = await client.query(settings, [["plan_cache_mode", "enable_seqscan", "jit"]]);
    expect(rows).toEqual([
      { name: "enable_seqscan", setting: "off" },
      { name: "jit", setting: "off" },
      { name: "plan_cache_mode", setting: "force_generic_plan" },
    ]);
  }
  for (const client of clients) client.release();
});
