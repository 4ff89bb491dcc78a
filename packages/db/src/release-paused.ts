import type { ResumePlan } from "@dripline/domain/plan-resume";
import type { ResolvedZone } from "@dripline/domain/time-zone";
import type { MovedBy } from "./arrow.ts";
import { bulkStatement } from "./bulk-statement.ts";
import type { Queryable } from "./database.ts";
import type { PausedWait, WaitScope } from "./find-paused-waits.ts";
import { isPauseHold } from "./hold-under-pause.ts";
import { newId } from "./new-id.ts";
import type { Revived } from "./revive-executions.ts";

export interface Release {
  readonly wait: PausedWait;
  readonly plan: ResumePlan;
  readonly zone: ResolvedZone;
}

/**
 * pending → scheduled, at the planned time, generation + 1 so that older timers are over; or pending → pending for
 * another reason, where no window opens. A row moves only if it still waits for a pause in the generation that was
 * planned from, and neither its sequence nor its enrollment is paused (again). Both are locked before, in this order, so
 * that a pause that comes at the same moment finds everything that was released: call it in a transaction. Answers which
 * rows got a timer.
 */
export async function releasePaused(
  db: Queryable,
  releases: readonly Release[],
  { now, actor }: MovedBy,
): Promise<Revived[]> {
  if (releases.length === 0) return [];
  await lockActive(db, releases);
  const { rows } = await db.query<{ id: string; generation: number; scheduled_for: Date }>(
    bulkStatement({
      // Made for 100,000 rows without statistics at hand: every join is along a primary key, so that no plan is a bad one,
      // and it has no name, so that no plan is kept from a call with one row.
      text: `
      with moved as (
        update step_execution e
        set status = case when w.hold_reason is null then 'scheduled' else 'pending' end, hold_reason = w.hold_reason,
            held_at = case when w.hold_reason is not null then $12::timestamptz end,
            error_message = case when w.hold_reason is not null then w.message end,
            generation = e.generation + 1, rescued_at = null, updated_at = now(),
            -- A second pause, of no time, does not make it punctual.
            catches_up = e.catches_up or w.catches_up,
            counts_from = w.counts_from, due_at = w.due_at, scheduled_for = coalesce(w.scheduled_for, e.scheduled_for),
            timezone = w.timezone, timezone_source = w.timezone_source
        from unnest($1::uuid[], $2::int[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[], $6::text[],
                    $7::text[], $8::text[], $9::text[], $10::uuid[], $11::boolean[])
               as w(execution_id, generation, counts_from, due_at, scheduled_for, timezone, timezone_source,
                    hold_reason, message, event_id, catches_up),
             sequence_enrollment n, email_sequence s
        where e.id = w.execution_id and e.generation = w.generation and e.status = 'pending' and ${isPauseHold}
          and n.id = e.enrollment_id and n.status = 'active' and s.id = n.sequence_id and s.status = 'active'
        returning e.id, e.status, e.generation, e.scheduled_for, w.event_id, w.hold_reason as held_for, w.message
      ),
      told as (
        insert into execution_event (id, execution_id, at, kind, reason, message, actor)
        select event_id, id, $12, case when held_for is null then 'resumed' else 'held' end,
               coalesce(held_for, 'pause_over'), message, $13
        from moved
      )
      select id, generation, scheduled_for from moved where status = 'scheduled'`,
      values: [...columns(releases), now, actor],
    }),
  );
  return rows.map((row) => ({ executionId: row.id, generation: row.generation, scheduledFor: row.scheduled_for }));
}

/** A statement of its own: the one after it then reads how they stand while they are locked. */
async function lockActive(db: Queryable, releases: readonly Release[]): Promise<void> {
  await db.query(
    `with sequences as materialized (
       select s.id from email_sequence s where s.id = any($1) order by s.id for share of s
     ),
     enrollments as materialized (
       select n.id from sequence_enrollment n
       where n.id = any($2) and exists (select from sequences) order by n.id for share of n
     )
     select count(*) from enrollments`,
    [
      [...new Set(releases.map(({ wait }) => wait.sequenceId))],
      [...new Set(releases.map(({ wait }) => wait.enrollmentId))],
    ],
  );
}

function columns(releases: readonly Release[]): unknown[] {
  return [
    releases.map(({ wait }) => wait.executionId),
    releases.map(({ wait }) => wait.generation),
    releases.map(({ plan }) => plan.countsFrom),
    releases.map(({ plan }) => plan.dueAt),
    releases.map(({ plan }) => (plan.kind === "scheduled" ? plan.scheduledFor : null)),
    releases.map(({ zone }) => zone.zone),
    releases.map(({ zone }) => zone.source),
    releases.map(({ plan }) => (plan.kind === "held" ? plan.reason : null)),
    releases.map(messageOf),
    releases.map(() => newId()),
    releases.map(({ plan }) => plan.catchesUp),
  ];
}

function messageOf({ plan, wait }: Release): string {
  if (plan.kind === "held") return `The pause is over. ${plan.message}`;
  const [before, after] = [wait.scheduledFor.toISOString(), plan.scheduledFor.toISOString()];
  return before === after
    ? `The pause is over: it stays planned for ${after}.`
    : `The pause is over: planned for ${after}, before the pause for ${before}.`;
}

/**
 * pending → pending: of two pauses one is over, and what waited for it waits for the other. The clock stays where it
 * stopped. Answers how many rows have another reason now.
 */
export async function relabelPaused(db: Queryable, scope: WaitScope, { now, actor }: MovedBy): Promise<number> {
  const isOfSequences = "sequenceIds" in scope;
  const { rows } = await db.query<{ count: number }>(
    bulkStatement({
      name: isOfSequences ? "relabel-paused-of-sequences" : "relabel-paused-of-enrollments",
      text: `
      with moved as (
        update step_execution e
        set hold_reason = r.hold_reason, error_message = r.message, updated_at = now()
        from sequence_enrollment n
        join email_sequence s on s.id = n.sequence_id
        join (values ('sequence_paused', 'active', 'paused', 'enrollment_paused', 'The enrollment is paused.'),
                     ('enrollment_paused', 'paused', 'active', 'sequence_paused', 'The sequence is paused.'))
             as r(before, sequence_status, enrollment_status, hold_reason, message)
          on r.sequence_status = s.status and r.enrollment_status = n.status
        where ${isOfSequences ? "n.sequence_id" : "n.id"} = any($1) and e.enrollment_id = n.id
          and e.status = 'pending' and e.hold_reason = r.before
        returning e.id, e.hold_reason, e.error_message
      ),
      told as (
        insert into execution_event (id, execution_id, at, kind, reason, message, actor)
        select gen_random_uuid(), id, $2, 'held', hold_reason, error_message, $3 from moved
      )
      select count(*)::int as count from moved`,
      values: [isOfSequences ? scope.sequenceIds : scope.enrollmentIds, now, actor],
    }),
  );
  return rows[0]?.count ?? 0;
}
