import type { MovedBy, MoveTo } from "./arrow.ts";
import type { Queryable } from "./database.ts";
import { newId } from "./new-id.ts";

/**
 * sending[data] → scheduled, later: it may have been delivered or not, and its sequence says that it goes out again. The
 * doubt is on record before the second copy can leave: an event, and the email log of what was handed over. Message-ID
 * and source stay, so the copy is the same message, byte for byte.
 */
export async function resendInDoubt(
  db: Queryable,
  resends: readonly MoveTo[],
  { now, actor }: MovedBy,
): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>({
    name: "resend-in-doubt",
    text: `
      with input as (
        select * from unnest($1::uuid[], $2::int[], $3::timestamptz[], $4::text[], $5::text[], $6::uuid[], $7::uuid[])
          as w(execution_id, generation, at, reason, message, event_id, email_log_id)
      ),
      moved as (
        update step_execution e
        set status = 'scheduled', phase = null, lease_until = null, scheduled_for = w.at, error_message = w.message,
            email_log_id = w.email_log_id, updated_at = now()
        from input w
        where e.id = w.execution_id and e.generation = w.generation and e.status = 'sending' and e.phase = 'data'
        returning e.id, e.enrollment_id, e.message_id, e.message_source as source, w.email_log_id, w.event_id, w.reason, w.message
      ),
      logged as (
        insert into email_log (id, execution_id, sequence_id, contact_id, template_version_id, message_id, from_address, to_address,
                               subject, variables, outcome, response, composed_at, sent_at)
        select m.email_log_id, m.id, n.sequence_id, n.contact_id, (m.source ->> 'templateVersionId')::uuid, m.message_id,
               m.source -> 'from' ->> 'address', m.source -> 'to' ->> 'address', m.source ->> 'subject',
               (m.source -> 'variables')::jsonb, 'in_doubt', null, (m.source ->> 'composedAt')::timestamptz, $8
        from moved m join sequence_enrollment n on n.id = m.enrollment_id
      ),
      told as (
        insert into execution_event (id, execution_id, at, kind, reason, message, actor)
        select event_id, id, $8, 'in_doubt', reason, message, $9 from moved
      )
      select id from moved`,
    values: [
      resends.map((r) => r.executionId),
      resends.map((r) => r.generation),
      resends.map((r) => r.at),
      resends.map((r) => r.reason),
      resends.map((r) => r.message),
      resends.map(() => newId()),
      resends.map(() => newId()),
      now,
      actor,
    ],
  });
  return rows.map((row) => row.id);
}
