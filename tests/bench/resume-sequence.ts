import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Database, inTransaction, openDatabase, type Queryable } from "@dripline/db/database";
import { migrateDatabase } from "@dripline/db/migrate";
import { startPostgres } from "@dripline/embedded/postgres";
import { archiveSequence, pauseSequence, resumeSequence } from "@dripline/engine/sequence-lifecycle";

// How long it takes until everybody who waits in a paused sequence goes on. The measure beside it is what the same run
// takes to insert as many executions with plain SQL: nothing that touches each row can be much faster.

const people = Number(process.argv[2] ?? 100_000);
const directory = await mkdtemp(join(tmpdir(), "dripline-bench-"));
const postgres = await startPostgres({ directory: join(directory, "pg"), log: () => {} });
try {
  await migrateDatabase(postgres.url);
  const db = openDatabase({ url: postgres.url, connectionsMax: 2, applicationName: "bench", onError: () => {} });
  const sequenceId = await makeSequence(db);
  const inserting = await seconds(() => inTransaction(db, (tx) => enrollEverybody(tx, sequenceId)));
  await db.query("analyze");
  const by = { now: new Date(), actor: "bench" };
  report("inserting them, plain SQL", inserting, inserting);
  report(
    "pausing the sequence",
    await seconds(() => inTransaction(db, (tx) => pauseSequence(tx, sequenceId, by))),
    inserting,
  );
  const later = { ...by, now: new Date(by.now.getTime() + 3_600_000) };
  report(
    "resuming it",
    await seconds(() => inTransaction(db, (tx) => resumeSequence(tx, sequenceId, later))),
    inserting,
  );
  const { rows } = await db.query("select count(*)::int as count from step_execution where status = 'scheduled'");
  console.log(`${rows[0].count} of ${people} have a timer again`);
  report(
    "archiving it",
    await seconds(() => inTransaction(db, (tx) => archiveSequence(tx, sequenceId, later))),
    inserting,
  );
  await db.end();
} finally {
  await postgres.stop();
  await rm(directory, { recursive: true, force: true });
}

async function makeSequence(db: Database): Promise<string> {
  const { rows } = await db.query(`
    with schedule as (
      insert into schedule (id, name, timezone, windows, spread_minutes)
      select gen_random_uuid(), 'Business hours', 'Asia/Bangkok',
             jsonb_agg(jsonb_build_object('weekday', d, 'start', '09:00', 'end', '17:00')), 15 from generate_series(1, 5) d
      returning id
    ),
    sequence as (
      insert into email_sequence (id, name, schedule_id) select gen_random_uuid(), 'Many', id from schedule returning id
    ),
    version as (
      insert into sequence_version (id, sequence_id, version_number, published_at)
      select gen_random_uuid(), id, 1, now() from sequence returning id
    ),
    template as (insert into email_template (id, name) values (gen_random_uuid(), 'Template') returning id)
    insert into sequence_step (id, step_key, version_id, step_number, name, template_id, delay_value, delay_unit)
    select k, k, v.id, 1, 'Step', t.id, 3, 'days' from version v, template t, (select gen_random_uuid() as k) s
    returning (select id from sequence)`);
  return rows[0].id;
}

async function enrollEverybody(db: Queryable, sequenceId: string): Promise<void> {
  await db.query("set local statement_timeout = 0");
  await db.query(
    `insert into contact (id, email) select gen_random_uuid(), 'c' || i || '@example.com' from generate_series(1, $1::int) i`,
    [people],
  );
  await db.query(
    `with enrolled as (
       insert into sequence_enrollment (id, sequence_id, version_id, contact_id, status, enrolled_at)
       select gen_random_uuid(), v.sequence_id, v.id, c.id, 'active', now() from contact c, sequence_version v
       where v.sequence_id = $1 returning id, version_id
     )
     insert into step_execution (id, enrollment_id, step_id, step_key, step_number, status, counts_from, due_at, scheduled_for)
     select gen_random_uuid(), n.id, st.id, st.step_key, 1, 'scheduled', now(), now() + random() * interval '3 days',
            now() + random() * interval '3 days'
     from enrolled n join sequence_step st on st.version_id = n.version_id`,
    [sequenceId],
  );
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1_000;
}

function report(what: string, took: number, measure: number): void {
  console.log(`${what.padEnd(28)} ${took.toFixed(1).padStart(6)} s   ${(took / measure).toFixed(2)} × inserting`);
}
