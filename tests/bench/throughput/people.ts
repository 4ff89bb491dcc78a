import { type Database, inTransaction } from "@dripline/db/database";
import { makeSequence, makeTemplate } from "@dripline/testkit/factories";
import { html, subject, text } from "./message.ts";
import type { Installation } from "./services.ts";

/** Two steps: the second is three days away, so recording the first email sets a timer, as it does in real life. */
export async function makeBenchSequence(database: Database): Promise<string> {
  const templateId = await makeTemplate(database, { subject, html, text });
  const { id } = await makeSequence(database, {
    steps: [{ templateId }, { templateId, delay: { value: 3, unit: "days" } }],
  });
  return id;
}

/**
 * People whose first step is due at the moment `dueAt` (SQL: `i` is which of them, 1 and up), by two statements: what enrolls
 * them is measured elsewhere.
 */
export async function enrollDue(
  { database }: Installation,
  { sequenceId, count, dueAt, from = 0 }: { sequenceId: string; count: number; dueAt: string; from?: number },
): Promise<void> {
  await inTransaction(database, async (tx) => {
    await tx.query("set local statement_timeout = 0");
    await tx.query(
      `insert into contact (id, email, first_name)
       select uuidv7(), 'p' || i || '@example.com', 'Ann' from generate_series($1::int + 1, $1::int + $2::int) i`,
      [from, count],
    );
    await tx.query(
      `with person as (
         select c.id, substring(c.email from '[0-9]+')::int - $2::int as i from contact c
         where c.email like 'p%@example.com' and substring(c.email from '[0-9]+')::int > $2
       ), enrolled as (
         insert into sequence_enrollment (id, sequence_id, version_id, contact_id, status, enrolled_at)
         select p.id, v.sequence_id, v.id, p.id, 'active', now() from person p
         join sequence_version v on v.sequence_id = $1 returning id, version_id
       )
       insert into step_execution (id, enrollment_id, step_id, step_key, step_number, status, counts_from, due_at, scheduled_for)
       select uuidv7(), n.id, st.id, st.step_key, 1, 'scheduled', now(), p.due, p.due
       from enrolled n
       join sequence_step st on st.version_id = n.version_id and st.step_number = 1
       join (select id, date_trunc('milliseconds', ${dueAt}) as due from person) p on p.id = n.id`,
      [sequenceId, from],
    );
  });
}

/** Puts a timer into the queue for everybody whose first step is scheduled before `before`. */
export async function wakeAll({ database, queue }: Installation, before: Date): Promise<void> {
  const { rows } = await database.query<{ id: string; generation: number; scheduled_for: Date }>(
    "select id, generation, scheduled_for from step_execution where status = 'scheduled' and scheduled_for < $1 order by scheduled_for",
    [before],
  );
  for (let from = 0; from < rows.length; from += 1_000) {
    await queue.wake(
      rows
        .slice(from, from + 1_000)
        .map(({ id, generation, scheduled_for }) => ({ executionId: id, generation, at: scheduled_for })),
    );
  }
}
