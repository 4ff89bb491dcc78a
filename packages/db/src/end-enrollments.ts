import type { Queryable } from "./database.ts";

export interface EndEnrollments {
  readonly enrollmentIds: readonly string[];
  readonly to: "cancelled" | "paused" | "unsubscribed";
  readonly endReason: string;
  /** Appended to the enrollment's notes as a line of its own, with the time. */
  readonly note: string;
  readonly now: Date;
  readonly actor: string;
}

/**
 * active/paused → cancelled, unsubscribed, or paused; every execution that is still open (pending, scheduled) becomes
 * skipped. What is at the SMTP server this moment finishes and is recorded, but opens nothing further. Answers which
 * enrollments moved; the others were not live, or already in that state.
 */
export async function endEnrollments(db: Queryable, end: EndEnrollments): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>({
    name: "end-enrollments",
    text: `
      with ended as (
        update sequence_enrollment n
        set status = $2, end_reason = case when $2 = 'paused' then n.end_reason else $3 end,
            notes = case when n.notes = '' then $4 else n.notes || E'\\n' || $4 end, updated_at = now()
        where n.id = any($1) and n.status in ('active', 'paused') and n.status <> $2
        returning n.id
      ),
      skipped as (
        update step_execution e set status = 'skipped', hold_reason = null, updated_at = now()
        from ended where e.enrollment_id = ended.id and e.status in ('pending', 'scheduled')
        returning e.id
      ),
      told as (
        insert into execution_event (id, execution_id, at, kind, reason, message, actor)
        select gen_random_uuid(), id, $5, 'skipped', $3, 'The contact was unenrolled: ' || $2 || '.', $6 from skipped
      )
      select id from ended`,
    values: [end.enrollmentIds, end.to, end.endReason, `[${end.now.toISOString()}] ${end.note}`, end.now, end.actor],
  });
  return rows.map((row) => row.id);
}
