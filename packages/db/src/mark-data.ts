import type { Queryable } from "./database.ts";

/**
 * sending[claimed] → sending[data]: committed after the server's "354" and before the first body byte leaves, so that
 * a crash from here on is known to be in doubt, and one before is known to be safe. Fenced by generation and a lease
 * that still runs, so that a worker that was frozen and thawed stops here. Extends the lease to cover the body and the
 * wait for the final reply (RFC 5321 section 4.5.3.2 allows the server ten minutes).
 *
 * Consent is looked at once more, because connecting may have taken minutes. Answers which rows moved; for any other, no
 * body byte may leave.
 */
export async function markData(
  db: Queryable,
  claims: readonly { readonly executionId: string; readonly generation: number }[],
  leaseSeconds: number,
): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>({
    name: "mark-data",
    text: `
      update step_execution e
      set phase = 'data', lease_until = clock_timestamp() + make_interval(secs => $3), updated_at = now()
      from unnest($1::uuid[], $2::int[]) as w(execution_id, generation), sequence_enrollment n, contact c
      where e.id = w.execution_id and e.generation = w.generation
        and e.status = 'sending' and e.phase = 'claimed' and e.lease_until > clock_timestamp()
        and n.id = e.enrollment_id and n.status = 'active'
        and c.id = n.contact_id and c.opted_out_at is null
      returning e.id`,
    values: [claims.map((c) => c.executionId), claims.map((c) => c.generation), leaseSeconds],
  });
  return rows.map((row) => row.id);
}
