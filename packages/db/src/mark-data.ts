import type { Queryable } from "./database.ts";
import { isAdoptedHere } from "./read-fence.ts";

export interface MarkRequest {
  readonly executionId: string;
  readonly generation: number;
  /** The window in which it was claimed closes then, as long as the schedule is still the one that was read. */
  readonly openUntil: Date;
  readonly scheduleUpdatedAt: Date;
}

/**
 * sending[claimed] → sending[data]: committed after the server's "354" and before the first body byte leaves, so that
 * a crash from here on is known to be in doubt, and one before is known to be safe. Fenced by generation and a lease
 * that still runs, so that a worker that was frozen and thawed stops here. Extends the lease to cover the body and the
 * wait for the final reply (RFC 5321 section 4.5.3.2 allows the server ten minutes).
 *
 * Whether sequence and enrollment are active, consent, suppression, window and the database's adoption are looked at once
 * more, because waiting for a connection or making one may have taken minutes. Answers which rows moved; for any other, no body byte may leave.
 */
export async function markData(db: Queryable, claims: readonly MarkRequest[], leaseSeconds: number): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>({
    name: "mark-data",
    text: `
      with input as (
        select * from unnest($1::uuid[], $2::int[], $4::timestamptz[], $5::timestamptz[])
               as w(execution_id, generation, open_until, schedule_updated_at)
      ),
      -- By ids and nothing else, as in claimExecutions.
      found as materialized (
        select e.id, n.status as enrollment_status, n.sequence_id, n.contact_id
        from step_execution e join sequence_enrollment n on n.id = e.enrollment_id
        where e.id = any($1)
      ),
      allowed as materialized (
        select w.*, f.enrollment_status
        from found f
        join input w on w.execution_id = f.id
        join email_sequence s on s.id = f.sequence_id and s.status = 'active'
        join schedule sc on sc.id = s.schedule_id and sc.updated_at = w.schedule_updated_at
        join contact c on c.id = f.contact_id and c.opted_out_at is null
        where w.open_until > clock_timestamp()
          and not exists (select from suppression x where lower(x.email) = lower(c.email))
          and ${isAdoptedHere}
      )
      update step_execution e
      set phase = 'data', lease_until = clock_timestamp() + make_interval(secs => $3), updated_at = now()
      from allowed w
      where e.id = w.execution_id and e.generation = w.generation
        and e.status = 'sending' and e.phase = 'claimed' and e.lease_until > clock_timestamp()
        and (w.enrollment_status = 'active' or (w.enrollment_status = 'completed' and e.has_advanced))
      returning e.id`,
    values: [
      claims.map((c) => c.executionId),
      claims.map((c) => c.generation),
      leaseSeconds,
      claims.map((c) => c.openUntil),
      claims.map((c) => c.scheduleUpdatedAt),
    ],
  });
  return rows.map((row) => row.id);
}
