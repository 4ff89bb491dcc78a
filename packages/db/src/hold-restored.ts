import type { MovedBy } from "./arrow.ts";
import type { Queryable } from "./database.ts";

/** Why an email is held that a lost original may have sent after the backup was made. */
export const restoredHold = {
  reason: "maybe_sent_before_restore",
  message:
    "It was due before this database was adopted after a restore: the lost original may have sent it since the backup.",
} as const;

/**
 * scheduled, sending[claimed] → pending: whatever was due by `dueBy` waits for a person to look at it. For a database in
 * which no worker is at work: a claim that is found there is the original's. At most `limit` at a time, the oldest first;
 * answers how many moved.
 */
export async function holdRestored(
  db: Queryable,
  { dueBy, limit }: { readonly dueBy: Date; readonly limit: number },
  { now, actor }: MovedBy,
): Promise<number> {
  const { rowCount } = await db.query({
    name: "hold-restored",
    text: `
      with doubtful as materialized (
        select id from step_execution
        where status in ('scheduled', 'sending') and phase is distinct from 'data' and scheduled_for <= $1
        order by scheduled_for, id limit $2 for no key update
      ),
      moved as (
        update step_execution e
        set status = 'pending', hold_reason = $5, held_at = $3, error_message = $6, phase = null, lease_until = null,
            -- The original's attempt is none of ours.
            attempt_count = e.attempt_count - (e.status = 'sending')::int, generation = e.generation + 1, updated_at = now()
        from doubtful where e.id = doubtful.id and e.status in ('scheduled', 'sending')
        returning e.id
      )
      insert into execution_event (id, execution_id, at, kind, reason, message, actor)
      select gen_random_uuid(), id, $3, 'held', $5, $6, $4 from moved`,
    values: [dueBy, limit, now, actor, restoredHold.reason, restoredHold.message],
  });
  return rowCount ?? 0;
}
