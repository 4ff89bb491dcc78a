import type { MovedBy, MoveTo } from "./arrow.ts";
import type { Queryable } from "./database.ts";
import { newId } from "./new-id.ts";

/**
 * scheduled → scheduled, later: the mail server or the recipient's domain is slowed down, and it is another email's turn.
 * Not an attempt, and the same wake-up goes on. Behind a mail server that is away for hours thousands of emails come back
 * again and again: the row says each time what it waits for, but only the first time is an event, unless something
 * else happened to it in between.
 */
export async function deferUnderBackoff(
  db: Queryable,
  moves: readonly MoveTo[],
  { now, actor }: MovedBy,
): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>({
    name: "defer-under-backoff",
    text: `
      with input as (
        select * from unnest($1::uuid[], $2::int[], $3::timestamptz[], $4::text[], $5::text[], $6::uuid[])
          as w(execution_id, generation, at, reason, message, event_id)
      ),
      moved as (
        update step_execution e set scheduled_for = w.at, error_message = w.message, updated_at = now()
        from input w
        where e.id = w.execution_id and e.generation = w.generation and e.status = 'scheduled'
        returning e.id
      ),
      told as (
        insert into execution_event (id, execution_id, at, kind, reason, message, actor)
        select w.event_id, w.execution_id, $7, 'deferred', w.reason, w.message, $8
        from input w join moved on moved.id = w.execution_id
        left join lateral (
          select x.reason from execution_event x where x.execution_id = w.execution_id order by x.at desc, x.id desc limit 1
        ) last on true
        where last.reason is distinct from w.reason
      )
      select id from moved`,
    values: [
      moves.map((m) => m.executionId),
      moves.map((m) => m.generation),
      moves.map((m) => m.at),
      moves.map((m) => m.reason),
      moves.map((m) => m.message),
      moves.map(() => newId()),
      now,
      actor,
    ],
  });
  return rows.map((row) => row.id);
}
