import { bulkStatement } from "./bulk-statement.ts";
import type { Queryable } from "./database.ts";

export interface EndEnrollments {
  readonly enrollmentIds: readonly string[];
  readonly to: "cancelled" | "paused" | "unsubscribed" | "completed";
  readonly endReason: string;
  /** Appended to the enrollment's notes as a line of its own, with the time. */
  readonly note: string;
  readonly now: Date;
  readonly actor: string;
}

/**
 * active/paused → cancelled, unsubscribed, completed or paused; every execution that is still open (pending, scheduled) becomes
 * skipped. What is at the SMTP server this moment finishes and is recorded, but opens nothing further. Answers which
 * enrollments moved; the others were not live, or already in that state with nothing open. Call it in a transaction.
 */
export async function endEnrollments(db: Queryable, end: EndEnrollments): Promise<string[]> {
  const ended = await db.query<{ id: string }>(
    bulkStatement({
      name: "end-enrollments",
      text: `
      update sequence_enrollment n
      set status = $2, end_reason = case when $2 = 'paused' then n.end_reason else $3 end,
          ended_at = case when $2 <> 'paused' then $5::timestamptz end,
          completed_at = case when $2 = 'completed' then $5::timestamptz end,
          paused_at = case when $2 = 'paused' then coalesce(n.paused_at, $5::timestamptz) end, resume_at = null,
          notes = case when n.notes = '' then $4 else n.notes || E'\\n' || $4 end,
          revision = n.revision + 1, updated_at = now()
      where n.id = any($1) and n.status in ('active', 'paused')
        -- Somebody who is only paused still has what waits for a resume.
        and (n.status <> $2 or exists (
          select from step_execution e where e.enrollment_id = n.id and e.status in ('pending', 'scheduled')))
      returning n.id`,
      values: [end.enrollmentIds, end.to, end.endReason, `[${end.now.toISOString()}] ${end.note}`, end.now],
    }),
  );
  const ids = ended.rows.map((row) => row.id);
  // A statement of its own: the first one may have waited for a worker that was just opening the next step, and only
  // a statement that begins after that sees the new row.
  await db.query(
    bulkStatement({
      name: "skip-open-executions",
      text: `
      with skipped as (
        update step_execution e set status = 'skipped', hold_reason = null, held_at = null, updated_at = now()
        where e.enrollment_id = any($1) and e.status in ('pending', 'scheduled')
        returning e.id
      )
      insert into execution_event (id, execution_id, at, kind, reason, message, actor)
      select gen_random_uuid(), id, $2, 'skipped', $3, $4, $5 from skipped`,
      values: [ids, end.now, end.endReason, whySkipped(end), end.actor],
    }),
  );
  return ids;
}

function whySkipped({ to, endReason }: EndEnrollments): string {
  if (endReason === "sequence_archived") return "The sequence was archived: nothing further is sent.";
  if (endReason === "contact_opted_out") return "The contact opted out.";
  if (to === "completed") return "The enrollment was completed by an operator.";
  return `The contact was unenrolled: ${to}.`;
}
