import type { MovedBy } from "./arrow.ts";
import { bulkStatement } from "./bulk-statement.ts";
import type { Queryable } from "./database.ts";

/** Whose emails wait: a hold for one of these ends when the pause does. */
export type PauseReason = "sequence_paused" | "enrollment_paused";

/** As SQL: the holds that end with a pause. */
export const isPauseHold = "e.hold_reason in ('sequence_paused', 'enrollment_paused')";

/**
 * scheduled → pending, for everything that waits in these paused enrollments. The clock of each row stops at `now`; what
 * was held already keeps its own moment and reason. Answers how many rows moved.
 */
export function holdOfEnrollments(db: Queryable, enrollmentIds: readonly string[], by: MovedBy): Promise<number> {
  const scope = "n.id = any($1) and n.status = 'paused'";
  return holdScheduled(db, { scope, ids: enrollmentIds, reason: "enrollment_paused" }, by);
}

/** The same for everything that waits in these paused sequences. */
export function holdOfSequences(db: Queryable, sequenceIds: readonly string[], by: MovedBy): Promise<number> {
  const scope = "s.id = any($1) and s.status = 'paused' and n.status in ('active', 'paused')";
  return holdScheduled(db, { scope, ids: sequenceIds, reason: "sequence_paused" }, by);
}

const sentences = { sequence_paused: "The sequence is paused.", enrollment_paused: "The enrollment is paused." };

async function holdScheduled(
  db: Queryable,
  what: { readonly scope: string; readonly ids: readonly string[]; readonly reason: PauseReason },
  { now, actor }: MovedBy,
): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    bulkStatement({
      name: `hold-under-pause-${what.reason}`,
      text: `
      with moved as (
        update step_execution e
        set status = 'pending', hold_reason = $2, held_at = $4, error_message = $3, updated_at = now()
        from sequence_enrollment n
        join email_sequence s on s.id = n.sequence_id
        where ${what.scope} and e.enrollment_id = n.id and e.status = 'scheduled'
        returning e.id
      ),
      told as (
        insert into execution_event (id, execution_id, at, kind, reason, message, actor)
        select gen_random_uuid(), id, $4, 'held', $2, $3, $5 from moved
      )
      select count(*)::int as count from moved`,
      values: [what.ids, what.reason, sentences[what.reason], now, actor],
    }),
  );
  return rows[0]?.count ?? 0;
}
