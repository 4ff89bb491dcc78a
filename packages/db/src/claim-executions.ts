import type { ResolvedZone } from "@dripline/domain/time-zone";
import type { Queryable } from "./database.ts";

/** The right to send one email, for as long as the lease lasts. */
export interface Claim {
  readonly executionId: string;
  /** The generation that this claim opened: every later write of the worker is fenced by it. */
  readonly generation: number;
  readonly attemptCount: number;
  readonly leaseUntil: Date;
}

export interface ClaimRequest {
  readonly executionId: string;
  /** The generation of the wake-up. */
  readonly generation: number;
  /** The step that the message was made from: an edit that was published meanwhile puts another one in its place. */
  readonly stepId: string;
  readonly messageId: string;
  /** In which zone the window was open, and whose zone that was; kept with the row. */
  readonly zone: ResolvedZone;
}

/**
 * scheduled → sending[claimed]. The last look at state, consent and time, in the same statement as the arrow: a row
 * moves only if its wake-up's generation is current, it is due by the database's clock, enrollment and sequence are
 * active, and the contact has neither opted out nor is suppressed. Which rows moved is the answer; for the others
 * somebody else was faster, or the facts changed since they were read.
 */
export async function claimExecutions(
  db: Queryable,
  wakes: readonly ClaimRequest[],
  leaseSeconds: number,
): Promise<Claim[]> {
  const { rows } = await db.query<{ id: string; generation: number; attempt_count: number; lease_until: Date }>({
    name: "claim-executions",
    text: `
      update step_execution e
      set status = 'sending', phase = 'claimed', generation = e.generation + 1, attempt_count = e.attempt_count + 1,
          message_id = w.message_id, timezone = w.timezone, timezone_source = w.timezone_source,
          lease_until = clock_timestamp() + make_interval(secs => $4), updated_at = now()
      from unnest($1::uuid[], $2::int[], $3::text[], $5::uuid[], $6::text[], $7::text[])
             as w(execution_id, generation, message_id, step_id, timezone, timezone_source),
           sequence_enrollment n, email_sequence s, contact c
      where e.id = w.execution_id and e.status = 'scheduled' and e.generation = w.generation and e.step_id = w.step_id
        and e.scheduled_for <= clock_timestamp()
        and n.id = e.enrollment_id and n.status = 'active'
        and s.id = n.sequence_id and s.status = 'active'
        and c.id = n.contact_id and c.opted_out_at is null
        and not exists (select from suppression x where lower(x.email) = lower(c.email))
      returning e.id, e.generation, e.attempt_count, e.lease_until`,
    values: [
      wakes.map((w) => w.executionId),
      wakes.map((w) => w.generation),
      wakes.map((w) => w.messageId),
      leaseSeconds,
      wakes.map((w) => w.stepId),
      wakes.map((w) => w.zone.zone),
      wakes.map((w) => w.zone.source),
    ],
  });
  return rows.map((row) => ({
    executionId: row.id,
    generation: row.generation,
    attemptCount: row.attempt_count,
    leaseUntil: row.lease_until,
  }));
}
