import type { MovedBy } from "./arrow.ts";
import type { Queryable } from "./database.ts";
import { withNote } from "./with-note.ts";

export interface Revived {
  readonly executionId: string;
  readonly generation: number;
  readonly scheduledFor: Date;
}

/**
 * pending/failed → scheduled, due now, so that it is not late, with a fresh count of attempts and of lost workers: an
 * operator lets a held or failed execution go on. Every guard is asked again when it fires. What waits for a pause to end is left alone: resuming
 * gives it back the time that was left, reviving would lose it. Answers which rows moved; only those of live
 * enrollments do (and those of completed ones that had gone on before this email, once in doubt, was sent again).
 */
export async function reviveExecutions(
  db: Queryable,
  which: { readonly executionIds: readonly string[] } | { readonly status: "pending" | "failed" },
  by: MovedBy & { readonly note?: string },
): Promise<Revived[]> {
  const { rows } = await db.query<{ id: string; generation: number; scheduled_for: Date }>({
    name: "revive-executions",
    text: `
      with moved as (
        update step_execution e
        set status = 'scheduled', hold_reason = null, held_at = null, error_message = null, attempt_count = 0,
            worker_losses = 0, rescued_at = null, message_source = case when e.email_log_id is not null then e.message_source end,
            generation = e.generation + 1, counts_from = $3, due_at = $3, scheduled_for = $3, updated_at = now()
        from sequence_enrollment n
        where (e.id = any($1) or e.status = $2) and e.status in ('pending', 'failed')
          and (e.hold_reason is null or e.hold_reason not in ('sequence_paused', 'enrollment_paused'))
          and n.id = e.enrollment_id
          and (n.status in ('active', 'paused') or (n.status = 'completed' and e.has_advanced))
        returning e.id, e.generation, e.scheduled_for
      ),
      told as (
        insert into execution_event (id, execution_id, at, kind, reason, message, actor)
        select gen_random_uuid(), id, $3, 'revived', 'operator', $5, $4 from moved
      )
      select id, generation, scheduled_for from moved`,
    values: [
      "executionIds" in which ? which.executionIds : [],
      "status" in which ? which.status : null,
      by.now,
      by.actor,
      withNote("An operator let it be tried again.", by.note),
    ],
  });
  return rows.map((row) => ({ executionId: row.id, generation: row.generation, scheduledFor: row.scheduled_for }));
}
