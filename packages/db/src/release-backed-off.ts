import { TRANSPORT_SCOPE } from "@dripline/domain/delivery-backoff";
import type { MovedBy } from "./arrow.ts";
import type { Queryable } from "./database.ts";
import type { Revived } from "./revive-executions.ts";

/**
 * scheduled → scheduled, now: what a scope that is not slowed down any more had put off; generation + 1 so that the
 * later timers are over. All of them were due when they were put off. At most `limit` at a time, soonest first; call it
 * until it answers none. The window and everything else is looked at again when they are woken.
 *
 * A row that was put off says what it waits for, so of a million that simply wait no events are read.
 */
export async function releaseBackedOff(
  db: Queryable,
  scope: string,
  { now, actor }: MovedBy,
  limit: number,
): Promise<Revived[]> {
  const isTransport = scope === TRANSPORT_SCOPE;
  const { rows } = await db.query<{ id: string; generation: number; scheduled_for: Date }>({
    name: isTransport ? "release-backed-off-transport" : "release-backed-off-domain",
    text: `
      with waiting as (
        select e.id from step_execution e
        join sequence_enrollment n on n.id = e.enrollment_id
        join contact c on c.id = n.contact_id
        cross join lateral (
          select x.reason from execution_event x where x.execution_id = e.id order by x.at desc, x.id desc limit 1
        ) last
        where e.status = 'scheduled' and e.scheduled_for > clock_timestamp() and e.error_message is not null and last.reason = $1
          ${isTransport ? "" : "and lower(substring(c.email from '@([^@]*)$')) = $5"}
        order by e.scheduled_for limit $2 for update of e skip locked
      ),
      moved as (
        update step_execution e
        set scheduled_for = clock_timestamp(), generation = e.generation + 1, error_message = null, rescued_at = null,
            updated_at = now()
        from waiting where e.id = waiting.id
        returning e.id, e.generation, e.scheduled_for
      ),
      told as (
        insert into execution_event (id, execution_id, at, kind, reason, message, actor)
        select gen_random_uuid(), id, $3, 'rescheduled', 'delivery_resumed', 'Emails leave as usual again: it is tried now.', $4
        from moved
      )
      select id, generation, scheduled_for from moved`,
    values: [
      isTransport ? "transport_backoff" : "domain_backoff",
      limit,
      now,
      actor,
      ...(isTransport ? [] : [scope.slice("domain:".length)]),
    ],
  });
  return rows.map((row) => ({ executionId: row.id, generation: row.generation, scheduledFor: row.scheduled_for }));
}
