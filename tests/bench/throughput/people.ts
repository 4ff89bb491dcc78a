import { type Database, inTransaction } from "@dripline/db/database";
import { advanceSweepCursor } from "@dripline/db/sweep-cursor";
import { queueHorizonDays } from "@dripline/queue/wake";
import { makeSequence, makeTemplate } from "@dripline/testkit/factories";
import { html, subject, text } from "./message.ts";
import type { Installation } from "./services.ts";

/** People who are enrolled, and whose first email is due when the bench says so. */
export interface People {
  /**
   * Makes the first email of the next `count` of them due and puts their timers into the queue.
   *
   * @param dueAt SQL for a moment; `i` is which of them, 1 and up
   */
  makeDue(count: number, dueAt: string): Promise<void>;
}

/** Two steps: the second is three days away, so recording the first email sets a timer, as it does in real life. */
export async function makeBenchSequence(
  database: Database,
  { firstAfterDays = 0 }: { readonly firstAfterDays?: number } = {},
): Promise<string> {
  const templateId = await makeTemplate(database, { subject, html, text });
  const days = (value: number) => ({ value, unit: "days" as const });
  const { id } = await makeSequence(database, {
    steps: [
      { templateId, delay: days(firstAfterDays) },
      { templateId, delay: days(3) },
    ],
  });
  return id;
}

/** Nothing is due then, and nothing looks that far ahead. */
const notYet = "now() + interval '365 days'";
const batchMax = 100_000;

/**
 * Writes `ready` people for `makeDue`, and `waiting` more whose timers are in the queue and who wait for days. By few
 * statements: what enrolling costs is measured elsewhere.
 */
export async function seedPeople(
  installation: Installation,
  { ready, waiting = 0 }: { readonly ready: number; readonly waiting?: number },
): Promise<People> {
  const { database } = installation;
  const sequenceId = await makeBenchSequence(database);
  await enrollPeople(database, {
    sequenceId,
    from: 0,
    count: waiting,
    dueAt: "now() + (5 + 20 * random()) * interval '1 day'",
  });
  await wakeAll(installation, `scheduled_for < now() + interval '300 days'`);
  await enrollPeople(database, { sequenceId, from: waiting, count: ready, dueAt: notYet });
  // As in an installation that has run for a while: the walk along what comes near has come to its horizon.
  await advanceSweepCursor(database, "promote-distant", new Date(Date.now() + queueHorizonDays * 86_400_000));
  await database.query("vacuum analyze");
  let taken = waiting;
  return {
    async makeDue(count, dueAt) {
      await setDue(installation, { from: taken, count, dueAt });
      taken += count;
    },
  };
}

interface Range {
  readonly from: number;
  readonly count: number;
  /** SQL; `i` counts from 1. */
  readonly dueAt: string;
}

async function enrollPeople(database: Database, { sequenceId, from, count, dueAt }: Range & { sequenceId: string }) {
  for (let start = from; start < from + count; start += batchMax) {
    const size = Math.min(batchMax, from + count - start);
    await database.query(
      `with person as (
         insert into contact (id, email, first_name)
         select uuidv7(), 'p' || i || '@example.com', 'Ann' from generate_series($2::int + 1, $2::int + $3::int) i
         returning id
       ), enrolled as (
         insert into sequence_enrollment (id, sequence_id, version_id, contact_id, status, enrolled_at)
         select p.id, v.sequence_id, v.id, p.id, 'active', now()
         from person p join sequence_version v on v.sequence_id = $1
         returning id, version_id
       ), due as (select id, version_id, date_trunc('milliseconds', ${dueAt}) as at from enrolled)
       insert into step_execution (id, enrollment_id, step_id, step_key, step_number, status, counts_from, due_at, scheduled_for)
       select uuidv7(), d.id, st.id, st.step_key, 1, 'scheduled', now(), d.at, d.at
       from due d join sequence_step st on st.version_id = d.version_id and st.step_number = 1`,
      [sequenceId, start, size],
    );
  }
}

async function setDue(installation: Installation, { from, count, dueAt }: Range): Promise<void> {
  const wakes = await inTransaction(installation.database, async (tx) => {
    const { rows } = await tx.query<Wakeable>(
      `with waiting as (
         select e.id, substring(c.email from '[0-9]+')::int - $1 as i
         from step_execution e join contact c on c.id = e.enrollment_id
         where e.status = 'scheduled' and e.scheduled_for > now() + interval '300 days'
       ), due as (select id, date_trunc('milliseconds', ${dueAt}) as at from waiting where i between 1 and $2)
       update step_execution e set due_at = due.at, scheduled_for = due.at from due where e.id = due.id
       returning e.id, e.generation, e.scheduled_for`,
      [from, count],
    );
    return rows;
  });
  if (wakes.length !== count) throw new Error(`${wakes.length} of ${count} people were left to be made due`);
  await wake(installation, wakes);
}

interface Wakeable {
  readonly id: string;
  readonly generation: number;
  readonly scheduled_for: Date;
}

async function wakeAll(installation: Installation, which: string): Promise<void> {
  const { rows } = await installation.database.query<Wakeable>(
    `select id, generation, scheduled_for from step_execution where status = 'scheduled' and ${which}`,
  );
  await wake(installation, rows);
}

async function wake({ queue }: Installation, rows: readonly Wakeable[]): Promise<void> {
  for (let from = 0; from < rows.length; from += 1_000) {
    await queue.wake(
      rows
        .slice(from, from + 1_000)
        .map(({ id, generation, scheduled_for }) => ({ executionId: id, generation, at: scheduled_for })),
    );
  }
}
