import type { ResolvedZone } from "@dripline/domain/time-zone";
import type { Queryable } from "./database.ts";
import type { MessageSource } from "./message-source.ts";
import { isAdoptedHere } from "./read-fence.ts";

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
  /** What the message is made from; kept for every further attempt. */
  readonly source: MessageSource;
  /** The window is open until then, as long as the schedule is still the one that was read. */
  readonly openUntil: Date;
  readonly scheduleUpdatedAt: Date;
  /** In which zone the window was open, and whose zone that was; kept with the row. */
  readonly zone: ResolvedZone;
}

/**
 * scheduled → sending[claimed]. The last look at state, consent and time, in the same statement as the arrow: a row
 * moves only if its wake-up's generation is current, it is due by the database's clock, the window that was found open
 * still is, enrollment and sequence are active, and the contact has neither opted out nor is suppressed. (An email in
 * doubt that is sent again goes out after its enrollment has completed, too.) And no row of a database that is a copy or
 * was restored, until it is adopted. Which rows moved is the answer; for the
 * others somebody else was faster, or the facts changed since they were read. A row that somebody else holds this moment
 * is not waited for: the others in the list must not wait with it.
 */
export async function claimExecutions(
  db: Queryable,
  wakes: readonly ClaimRequest[],
  leaseSeconds: number,
): Promise<Claim[]> {
  const { rows } = await db.query<{ id: string; generation: number; attempt_count: number; lease_until: Date }>({
    name: "claim-executions",
    text: `
      with input as (
        select * from unnest($1::uuid[], $2::int[], $3::text[], $5::uuid[], $6::text[], $7::text[], $8::json[],
                             $9::timestamptz[], $10::timestamptz[])
               as w(execution_id, generation, message_id, step_id, timezone, timezone_source, source, open_until,
                    schedule_updated_at)
      ),
      -- By ids and nothing else: with a state or a sequence in it, the planner may go by those, and read whatever waits.
      locked as materialized (
        select e.id, e.status, e.generation, e.step_id, e.scheduled_for, e.has_advanced,
               n.status as enrollment_status, n.sequence_id, n.contact_id
        from step_execution e join sequence_enrollment n on n.id = e.enrollment_id
        where e.id = any($1)
        order by e.id for no key update of e skip locked
      ),
      claimable as materialized (
        select w.*, c.email
        from locked e
        join input w on w.execution_id = e.id and w.generation = e.generation and w.step_id = e.step_id
        join email_sequence s on s.id = e.sequence_id
        join schedule sc on sc.id = s.schedule_id and sc.updated_at = w.schedule_updated_at
        join contact c on c.id = e.contact_id
        where e.status = 'scheduled' and e.scheduled_for <= clock_timestamp() and w.open_until > clock_timestamp()
          and (e.enrollment_status = 'active' or (e.enrollment_status = 'completed' and e.has_advanced))
          and s.status = 'active' and c.opted_out_at is null
          and ${isAdoptedHere}
      )
      update step_execution e
      set status = 'sending', phase = 'claimed', generation = e.generation + 1, attempt_count = e.attempt_count + 1,
          message_id = w.message_id, message_source = w.source, timezone = w.timezone,
          timezone_source = w.timezone_source,
          lease_until = clock_timestamp() + make_interval(secs => $4), updated_at = now()
      from claimable w
      where e.id = w.execution_id and not exists (select from suppression x where lower(x.email) = lower(w.email))
      returning e.id, e.generation, e.attempt_count, e.lease_until`,
    values: [
      wakes.map((w) => w.executionId),
      wakes.map((w) => w.generation),
      wakes.map((w) => w.messageId),
      leaseSeconds,
      wakes.map((w) => w.stepId),
      wakes.map((w) => w.zone.zone),
      wakes.map((w) => w.zone.source),
      wakes.map((w) => JSON.stringify(w.source)),
      wakes.map((w) => w.openUntil),
      wakes.map((w) => w.scheduleUpdatedAt),
    ],
  });
  return rows.map((row) => ({
    executionId: row.id,
    generation: row.generation,
    attemptCount: row.attempt_count,
    leaseUntil: row.lease_until,
  }));
}
