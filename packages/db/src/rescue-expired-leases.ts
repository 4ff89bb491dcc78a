import type { MovedBy } from "./arrow.ts";
import type { Queryable } from "./database.ts";
import { lostRepeatedly, workerLossesMax } from "./worker-losses.ts";

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
           where status = 'sending' and lease_until < statement_timestamp() order by lease_until limit $1`,
    values: [limit],
  });
  return rows.map((row) => ({ executionId: row.id, generation: row.generation, phase: row.phase }));
}

export interface ReleasedLease {
  readonly executionId: string;
  readonly kind: "scheduled" | "failed";
}

/**
 * sending[claimed] → scheduled, due at once: nothing had left this machine. The generation goes up, so that the worker
 * that lost the lease is fenced if it wakes again. A worker's end is nobody's attempt: it is given back. But it is
 * counted, and at the limit the arrow goes to failed: an email that kills workers is not given to another one.
 */
export async function releaseClaimed(
  db: Queryable,
  leases: readonly ExpiredLease[],
  { now, actor }: MovedBy,
): Promise<ReleasedLease[]> {
  const { rows } = await db.query<{ id: string; status: ReleasedLease["kind"] }>({
    name: "release-claimed",
    text: `
      with moved as (
        update step_execution e
        set status = case when e.worker_losses + 1 >= ${workerLossesMax} then 'failed' else 'scheduled' end,
            phase = null, lease_until = null, generation = e.generation + 1, attempt_count = e.attempt_count - 1,
            worker_losses = e.worker_losses + 1, updated_at = now(),
            error_message = case when e.worker_losses + 1 >= ${workerLossesMax} then $5 else e.error_message end
        from unnest($1::uuid[], $2::int[]) as w(execution_id, generation)
        where e.id = w.execution_id and e.generation = w.generation
          and e.status = 'sending' and e.phase = 'claimed' and e.lease_until < clock_timestamp()
        returning e.id, e.status
      ),
      told as (
        insert into execution_event (id, execution_id, at, kind, reason, message, actor)
        select gen_random_uuid(), id, $3, case status when 'failed' then 'failed' else 'rescued' end,
               case status when 'failed' then $6 else 'lease_expired' end,
               case status when 'failed' then $5
                 else 'The worker stopped before anything was sent: the email is scheduled again.' end, $4
        from moved
      )
      select id, status from moved`,
    values: [
      leases.map((lease) => lease.executionId),
      leases.map((lease) => lease.generation),
      now,
      actor,
      lostRepeatedly.message,
      lostRepeatedly.reason,
    ],
  });
  return rows.map((row) => ({ executionId: row.id, kind: row.status }));
}
