import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Database } from "@dripline/db/database";
import { drainWave } from "./throughput/drain.ts";
import { warmUpEmails } from "./throughput/message.ts";
import { seedPeople } from "./throughput/people.ts";
import { startServices } from "./throughput/services.ts";

// What an email leaves in PostgreSQL once it is sent and the next step waits: bytes of each table and its indexes, and of the
// write-ahead log. In waves with a VACUUM between, since the first one also makes the room that later ones use again.

const emails = Number(process.argv[2] ?? 10_000);
const waves = 3;
const counted = ["email_log", "step_execution", "sequence_enrollment", "execution_event"];

interface Bytes {
  readonly tables: ReadonlyMap<string, { readonly rows: number; readonly indexes: number }>;
  readonly log: number;
  readonly redis: number;
}

const directory = await mkdtemp(join(tmpdir(), "dripline-bench-logs-"));
const services = await startServices(process.env, undefined);
try {
  const installation = await services.install("redis");
  const { database } = installation;
  const people = await seedPeople(installation, { ready: waves * (warmUpEmails + emails) });
  let before = await usedBytes(database);
  for (let wave = 1; wave <= waves; wave += 1) {
    await drainWave(services, installation, people, {
      emails,
      workers: 1,
      concurrency: 20,
      directory,
      profileDirectory: undefined,
    });
    const after = await usedBytes(database);
    report(wave, before, after);
    before = after;
  }
  await database.query(`vacuum full ${counted.join(", ")}`);
  const { tables } = await usedBytes(database);
  for (const table of ["email_log", "step_execution"]) await reportRows(database, tables, table);
  await installation.remove();
  await rm(directory, { recursive: true });
} finally {
  await services.stop();
}

async function usedBytes(database: Database): Promise<Bytes> {
  await database.query("vacuum analyze");
  const log = await database.query<{ bytes: string }>("select pg_current_wal_insert_lsn() - '0/0'::pg_lsn as bytes");
  const sizes = await database.query<{ name: string; rows: string; indexes: string }>(
    `select relname as name, pg_table_size(oid) as rows, pg_indexes_size(oid) as indexes from pg_class
     where relname = any($1)`,
    [counted],
  );
  const used = /used_memory:(\d+)/.exec(await services.redis.info("memory"))?.[1];
  return {
    tables: new Map(
      sizes.rows.map(({ name, rows, indexes }) => [name, { rows: Number(rows), indexes: Number(indexes) }]),
    ),
    log: Number(log.rows[0]?.bytes),
    redis: Number(used),
  };
}

function report(wave: number, before: Bytes, after: Bytes): void {
  const ofEmail = (bytes: number) => Math.round(bytes / (emails + warmUpEmails));
  console.log(`wave ${wave}, bytes an email`);
  for (const [name, now] of after.tables) {
    const then = before.tables.get(name) ?? { rows: 0, indexes: 0 };
    console.log(
      `  ${name.padEnd(20)} ${String(ofEmail(now.rows - then.rows)).padStart(6)} rows ${String(ofEmail(now.indexes - then.indexes)).padStart(6)} indexes`,
    );
  }
  console.log(`  ${"write-ahead log".padEnd(20)} ${String(ofEmail(after.log - before.log)).padStart(6)}`);
  console.log(`  ${"Redis".padEnd(20)} ${String(ofEmail(after.redis - before.redis)).padStart(6)}`);
}

/** Without any room that VACUUM keeps for later. */
async function reportRows(database: Database, tables: Bytes["tables"], table: string): Promise<void> {
  const { rows } = await database.query<{ count: string }>(`select count(*) as count from ${table}`);
  const { rows: bytes, indexes } = tables.get(table) ?? { rows: 0, indexes: 0 };
  const count = Number(rows[0]?.count);
  console.log(
    `a row of ${table}, packed: ${Math.round(bytes / count)} and ${Math.round(indexes / count)} of its indexes`,
  );
}
