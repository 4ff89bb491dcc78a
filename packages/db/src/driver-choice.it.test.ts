import { freshDatabase } from "@dripline/testkit/database";
import { waitFor } from "@dripline/testkit/wait-for";
import pg from "pg";
import postgres from "postgres";
import { beforeEach, expect, test } from "vitest";

/**
 * Why the driver is node-postgres: docs/decisions/0001-node-postgres.md. One connection; transaction A loses it
 * while it waits for something else; transaction B, queued behind A, writes a row and rolls back.
 */
const { url, pool: admin } = await freshDatabase();

beforeEach(async () => {
  await admin.query("drop table if exists witness");
  await admin.query("create table witness (wrote text)");
});

async function terminate(pid: number): Promise<void> {
  await admin.query("select pg_terminate_backend($1)", [pid]);
  await waitFor(async () => (await admin.query("select from pg_stat_activity where pid = $1", [pid])).rowCount === 0, {
    timeoutMilliseconds: 5_000,
    describe: "the backend to end",
  });
}

async function rowsThatStayed(): Promise<string[]> {
  const { rows } = await admin.query("select wrote from witness");
  return rows.map((row) => row.wrote);
}

test("node-postgres: what a lost transaction does next never reaches another transaction", async () => {
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  pool.on("error", () => {});
  const bHasWritten = signal();
  const aIsOver = signal();

  const a = await pool.connect();
  a.on("error", () => {});
  await a.query("begin");
  const { rows } = await a.query("select pg_backend_pid() as pid");
  const b = (async () => {
    const client = await pool.connect();
    await client.query("begin");
    await client.query("insert into witness values ('B')");
    bHasWritten.give();
    await aIsOver.given;
    await client.query("rollback");
    client.release();
  })();
  await terminate(rows[0].pid);
  await a.query("select 1").catch(() => {});
  a.release(true);
  await bHasWritten.given;
  await a.query("commit").catch(() => {});
  aIsOver.give();
  await b;
  await pool.end();

  expect(await rowsThatStayed()).toEqual([]);
});

test("postgres.js: the lost transaction's COMMIT makes the other's rolled-back rows permanent (when this turns red, the decision is open again)", async () => {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  const bHasWritten = signal();
  const aIsOver = signal();
  const aHasBegun = signal();

  const a = sql
    .begin(async (tx) => {
      const [row] = await tx`select pg_backend_pid() as pid`;
      aHasBegun.give();
      await terminate(row?.pid);
      await bHasWritten.given; // something else than the database takes a while
      aIsOver.give(); // and now postgres.js ends transaction A: with a COMMIT
    })
    .catch(() => {});
  await aHasBegun.given;
  const b = sql
    .begin(async (tx) => {
      await tx`insert into witness values ('B')`;
      bHasWritten.give();
      await aIsOver.given;
      await tx`select 1`; // a round trip, so that A's COMMIT is through
      throw new Error("roll back");
    })
    .catch(() => {});
  await Promise.all([a, b]);
  await sql.end({ timeout: 1 });

  expect(await rowsThatStayed()).toEqual(["B"]);
});

function signal(): { given: Promise<void>; give: () => void } {
  let give = (): void => {};
  const given = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { given, give };
}
