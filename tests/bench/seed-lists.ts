import { type Database, inTransaction, type Queryable } from "@dripline/db/database";

/**
 * An installation of some years: `people` / 2 contacts, each in two sequences, with one execution per enrollment, the
 * emails that went out, and the records beside them. Old enrollments are over and new ones run, a few sequences are large
 * and many small, one is old and ended: what makes the newest rows unlike the rest.
 */
export async function seedLists(database: Database, people: number): Promise<void> {
  await inTransaction(database, async (tx) => {
    await tx.query("set local statement_timeout = 0; set local maintenance_work_mem = '512MB'");
    await tx.query("set local session_replication_role = replica"); // no foreign key is looked up a million times
    const rebuild = await dropIndexes(tx);
    for (const statement of [...content, ...journeys, ...records]) {
      await tx.query(statement.replaceAll(":people", String(people)));
    }
    for (const statement of rebuild) await tx.query(statement);
  });
  await database.query("set statement_timeout = 0");
  await database.query("vacuum analyze");
}

/** Made again at the end, in one pass each: that is several times faster than row by row. */
async function dropIndexes(tx: Queryable): Promise<string[]> {
  const { rows } = await tx.query<{ name: string; definition: string }>(
    `select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition
     from pg_index where not indisprimary and indrelid = any(
       '{contact,company,sequence_enrollment,step_execution,email_log,audit_log,suppression}'::regclass[])`,
  );
  for (const { name } of rows) await tx.query(`drop index ${name}`);
  return rows.map(({ definition }) => definition);
}

/** A moment of the year before now; `i` of :people is when. */
const moment = "(now() - interval '365 days' * (1 - i / :people::float8))";
const idAt = `uuidv7(-(interval '365 days' * (1 - i / :people::float8)))`;

const content = [
  `insert into "user" (id, email, name, role)
   select uuidv7(), 'user' || i || '@example.com', 'User ' || i, 'editor' from generate_series(1, 20) i`,
  `insert into schedule (id, name, timezone, windows)
   select uuidv7(), 'Schedule ' || i, 'Asia/Bangkok', '[{"weekday": 1, "start": "09:00", "end": "17:00"}]'
   from generate_series(1, 50) i`,
  `with t as (insert into email_template (id, name) select uuidv7(), 'Template ' || i from generate_series(1, 300) i
              returning id, name)
   insert into email_template_version (id, template_id, version_number, subject, mjml, html, text)
   select uuidv7(), id, 1, 'About ' || name, repeat('<mj-text>', 200), repeat('<p>', 500), repeat('text ', 100) from t`,
  `insert into email_sequence (id, name, description, status, schedule_id)
   select uuidv7(), 'Sequence ' || i, 'Number ' || i, (array['active', 'active', 'paused', 'archived'])[1 + i % 4],
          (select id from schedule order by id limit 1)
   from generate_series(1, 500) i`,
  `insert into sequence_version (id, sequence_id, version_number, published_at)
   select uuidv7(), id, 1, now() from email_sequence`,
  `insert into sequence_step (id, step_key, version_id, step_number, name, template_id, delay_value, delay_unit)
   select k, k, id, n, 'Step ' || n, (select id from email_template order by id limit 1), 3, 'days'
   from (select uuidv7() as k, v.id, n from sequence_version v, generate_series(1, 3) n) s`,
];

const journeys = [
  `insert into company (id, name, country)
   select ${idAt}, (array['Blue', 'Green', 'Red', 'North'])[1 + i % 4] || ' ' || md5(i::text) || ' Ltd', 'TH'
   from generate_series(1, :people, 25) i`,
  `insert into contact (id, email, first_name, last_name, company_id, timezone)
   select ${idAt}, 'c' || md5(i::text) || (array['@example.com', '@mail.example', '@post.example'])[1 + i % 3],
          (array['Ann', 'Bob', 'Chai', 'Dao', 'Eva'])[1 + i % 5], initcap(left(md5(i::text || 'x'), 8)),
          c.ids[1 + (hashint4(i) & 2147483647) % cardinality(c.ids)], 'Asia/Bangkok'
   from generate_series(1, :people, 2) i, (select array_agg(id) as ids from company) c`,
  // One contact in 2 of the large sequence 1 and one of the rest; sequence 2 has only people of long ago.
  `insert into sequence_enrollment
     (id, sequence_id, version_id, contact_id, company_id, status, enrolled_at, started_at, completed_at, ended_at, notes)
   select p.id, v.sequence_id, v.id, p.contact_id, c.company_id, p.status, p.at, p.at,
          case p.status when 'completed' then p.at + interval '30 days' end,
          case when p.status not in ('active', 'paused') then p.at + interval '30 days' end, ''
   from (
     select ${idAt} as id, ${moment} as at, i, k.ids[1 + i / 2] as contact_id,
            case when i % 2 = 0 then 1 when i < :people / 20 then 2
                 else 3 + floor(497 * power((hashint4(i + 1) & 65535) / 65536.0, 3))::int end as sequence_number,
            case when (hashint4(i + 2) & 63) = 0 then 'cancelled' when (hashint4(i + 3) & 127) = 0 then 'unsubscribed'
                 when i < :people * 0.7 then 'completed' when (hashint4(i + 4) & 31) = 0 then 'paused' else 'active' end as status
     from generate_series(0, :people - 1) i, (select array_agg(id order by id) as ids from contact) k
   ) p
   join contact c on c.id = p.contact_id
   join (select id, sequence_id, row_number() over (order by id) as number from sequence_version) v
     on v.number = p.sequence_number`,
  `insert into step_execution
     (id, enrollment_id, step_id, step_key, step_number, status, hold_reason, counts_from, due_at, scheduled_for, sent_at,
      attempt_count, has_advanced)
   select uuidv7(n.enrolled_at - now()), n.id, st.id, st.step_key, 1, s.status,
          case s.status when 'pending' then 'enrollment_paused' end, n.enrolled_at, s.at, s.at,
          case s.status when 'sent' then s.at end, 1, s.status = 'sent'
   from sequence_enrollment n
   join sequence_step st on st.version_id = n.version_id and st.step_number = 1
   cross join lateral (
     select n.enrolled_at + interval '3 days' * random()
              + case when n.status = 'active' then interval '120 days' * random() else '0' end as at,
            case when n.status = 'completed' then case when random() < 0.0005 then 'in_doubt' else 'sent' end
                 when n.status = 'paused' then 'pending' when n.status <> 'active' then 'skipped'
                 when random() < 0.002 then 'failed' else 'scheduled' end as status
   ) s`,
];

const records = [
  `insert into email_log (id, execution_id, sequence_id, contact_id, template_version_id, message_id, from_address, to_address, subject,
                          variables, outcome, response, sent_at)
   select uuidv7(x.sent_at - now()), x.id, n.sequence_id, c.id, (select id from email_template_version order by id limit 1),
          '<' || x.id || '@example.com>', 'us@example.com', c.email, 'Welcome, ' || c.first_name, '{}', 'accepted', '250 OK',
          x.sent_at
   from step_execution x join sequence_enrollment n on n.id = x.enrollment_id join contact c on c.id = n.contact_id
   where x.status = 'sent'`,
  `insert into audit_log (id, at, principal, action, object_type, object_id)
   select ${idAt}, ${moment}, 'api_key:019a0000-0000-7000-8000-00000000000' || (i % 7), (array['enroll', 'createContact', 'unenroll', 'updateSchedule'])[1 + i % 4],
          (array['sequence-enrollments', 'contacts', 'sequence-enrollments', 'schedules'])[1 + i % 4], gen_random_uuid()::text
   from generate_series(1, :people) i`,
  `insert into suppression (id, email, reason, created_at)
   select ${idAt}, 's' || md5(i::text) || '@example.com', (array['unsubscribe', 'hard_bounce', 'complaint', 'manual'])[1 + i % 4],
          ${moment}
   from generate_series(1, :people, 10) i`,
];
