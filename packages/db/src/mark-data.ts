import type { Queryable } from "./database.ts";

export interface MarkRequest {
  readonly executionId: string;
  readonly generation: number;
  /** The window in which it was claimed closes then. */
  readonly openUntil: Date;
}

/**
 * sending[claimed] → sending[data]: committed after the server's "354" and before the first body byte leaves, so that
 * a crash from here on is known to be in doubt, and one before is known to be safe. Fenced by generation and a lease
 * that still runs, so that a worker that was frozen and thawed stops here. Extends the lease to cover the body and the
 * wait for the final reply (RFC 5321 section 4.5.3.2 allows the server ten minutes).
 *
 * Consent, suppression and window are looked at once more, because connecting may have taken minutes. Answers which
 * rows moved; for any other, no body byte may leave.
 */
export async function markData(db: Queryable, claims: readonly MarkRequest[], leaseSeconds: number): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>({
    name: "mark-data",
    text: `
      update step_execution e
      set phase = 'data', lease_until = clock_timestamp() + make_interval(secs => $3), updated_at = now()
      from unnest($1::uuid[], $2::int[], $4::timestamptz[]) as w(execution_id, generation, open_until),
           sequence_enrollment n, contact c
      where e.id = w.execution_id and e.generation = w.generation
        and e.status = 'sending' and e.phase = 'claimed' and e.lease_until > clock_timestamp()
        and w.open_until > clock_timestamp()
        and n.id = e.enrollment_id and (n.status = 'active' or (n.status = 'completed' and e.has_advanced))
        and c.id = n.contact_id and c.opted_out_at is null
        and not exists (select from suppression x where lower(x.email) = lower(c.email))
      returning e.id`,
    values: [
      claims.map((c) => c.executionId),
      claims.map((c) => c.generation),
      leaseSeconds,
      claims.map((c) => c.openUntil),
    ],
  });
  return rows.map((row) => row.id);
}
