import { type MovedBy, runArrow } from "./arrow.ts";
import type { Queryable } from "./database.ts";

export interface ExpiredLease {
  readonly executionId: string;
  readonly generation: number;
  readonly phase: "claimed" | "data";
}

/** The executions whose worker did not come back before its lease ended, oldest first. */
export async function findExpiredLeases(db: Queryable, limit: number): Promise<ExpiredLease[]> {
  const { rows } = await db.query<{ id: string; generation: number; phase: "claimed" | "data" }>({
    name: "find-expired-leases",
    text: `select id, generation, phase from step_execution
           where status = 'sending' and lease_until < clock_timestamp() order by lease_until limit $1`,
    values: [limit],
  });
  return rows.map((row) => ({ executionId: row.id, generation: row.generation, phase: row.phase }));
}

/**
 * sending[claimed] → scheduled, due at once: nothing had left this machine. The generation goes up, so that the worker
 * that lost the lease is fenced if it wakes again. A worker's end is nobody's attempt: it is given back.
 */
export function releaseClaimed(db: Queryable, leases: readonly ExpiredLease[], by: MovedBy): Promise<string[]> {
  const moves = leases.map((lease) => ({
    executionId: lease.executionId,
    generation: lease.generation,
    reason: "lease_expired",
    message: "The worker stopped before anything was sent: the email is scheduled again.",
  }));
  return runArrow(
    db,
    {
      name: "release-claimed",
      kind: "rescued",
      update: `
        update step_execution e
        set status = 'scheduled', phase = null, lease_until = null, generation = e.generation + 1,
            attempt_count = e.attempt_count - 1, updated_at = now()
        from input w
        where e.id = w.execution_id and e.generation = w.generation
          and e.status = 'sending' and e.phase = 'claimed' and e.lease_until < clock_timestamp()
        returning e.id`,
    },
    moves,
    by,
  );
}
