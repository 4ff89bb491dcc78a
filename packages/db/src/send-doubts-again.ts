import type { MovedBy } from "./arrow.ts";
import type { Queryable } from "./database.ts";
import { newId } from "./new-id.ts";
import type { Revived } from "./revive-executions.ts";

/**
 * in_doubt → scheduled, due now, so that it is not late, with a fresh count of attempts: an operator decides that the
 * same message goes out again, although it may have arrived. Every guard is asked again when it fires. Not for those
 * whose enrollment was cancelled or unsubscribed since. Answers which rows moved.
 */
export async function sendDoubtsAgain(
  db: Queryable,
  doubts: readonly { readonly executionId: string; readonly generation: number }[],
  { now, actor, note }: MovedBy & { readonly note: string },
): Promise<Revived[]> {
  const { rows } = await db.query<{ id: string; generation: number; scheduled_for: Date }>({
    name: "send-doubts-again",
    text: `
      with input as (
        select * from unnest($1::uuid[], $2::int[], $3::uuid[]) as w(execution_id, generation, event_id)
      ),
      locked as materialized (
        select e.id as execution_id, n.status from sequence_enrollment n
        join step_execution e on e.enrollment_id = n.id join input w on w.execution_id = e.id
        order by n.id for share of n
      ),
      moved as (
        update step_execution e
        set status = 'scheduled', generation = e.generation + 1, attempt_count = 0, worker_losses = 0, rescued_at = null,
            error_message = null, counts_from = $4, due_at = $4, scheduled_for = $4, updated_at = now()
        from input w, locked
        where locked.execution_id = e.id and w.execution_id = e.id and e.generation = w.generation
          and e.status = 'in_doubt'
          and (locked.status in ('active', 'paused') or (locked.status = 'completed' and e.has_advanced))
        returning e.id, e.generation, e.scheduled_for, w.event_id
      ),
      told as (
        insert into execution_event (id, execution_id, at, kind, reason, message, actor)
        select event_id, id, $4, 'revived', 'settled_resend', $6, $5 from moved
      )
      select id, generation, scheduled_for from moved`,
    values: [
      doubts.map((doubt) => doubt.executionId),
      doubts.map((doubt) => doubt.generation),
      doubts.map(() => newId()),
      now,
      actor,
      `An operator decided to send the same message again, although it may have arrived.${note === "" ? "" : ` ${note}`}`,
    ],
  });
  return rows.map((row) => ({ executionId: row.id, generation: row.generation, scheduledFor: row.scheduled_for }));
}
