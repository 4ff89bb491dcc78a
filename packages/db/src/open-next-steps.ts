import type { NextStepPlan, PlannedStep } from "@dripline/domain/next-step";
import type { Schedule } from "@dripline/domain/schedule";
import type { PeopleZones } from "@dripline/domain/time-zone";
import type { MovedBy } from "./arrow.ts";
import type { Queryable } from "./database.ts";
import { scheduleFromRow, stepFromRow } from "./load-facts.ts";
import { newId } from "./new-id.ts";
import { laterSteps, reachedStep } from "./queries/later-steps.ts";
import type { Revived } from "./revive-executions.ts";

/** An active enrollment in which nothing is open and nothing waits for an operator: nobody would ever move it. */
export interface StrandedEnrollment {
  readonly enrollmentId: string;
  readonly versionId: string;
  /** The number, in that version, of the step after which they go on; 0 if there is none. */
  readonly reachedStepNumber: number;
  readonly laterSteps: readonly PlannedStep[];
  readonly schedule: Schedule;
  readonly zones: PeopleZones;
}

// Something came after it, or the enrollment counts it as done; what is owed stands before that without being done. The
// numbers of another version say nothing: a publish may have put the steps in another order.
const isBehind = `(
  exists (select from step_execution y where y.enrollment_id = n.id and y.created_at > x.created_at)
  or x.step_number <= n.current_step_number and x.step_key <> all(n.owed_step_keys)
     and exists (select from sequence_step st where st.id = x.step_id and st.version_id = n.version_id))`;

/**
 * As SQL over the enrollment `n`: nothing is open. A failed email, and one in doubt under the policy `hold`, keep their
 * enrollment where it is: an operator decides.
 */
export const isStranded = `
  n.status = 'active' and not exists (
    select from step_execution x where x.enrollment_id = n.id
      and (x.status in ('pending', 'scheduled', 'sending', 'failed')
           or (x.status = 'in_doubt' and not ${isBehind})))`;

/** Which of these enrollments are stranded, and what each of them has still to get. */
export async function findStranded(db: Queryable, enrollmentIds: readonly string[]): Promise<StrandedEnrollment[]> {
  const { rows } = await db.query({
    name: "find-stranded",
    text: `
      select n.id, n.version_id, coalesce(reached.step_number, 0) as reached_step_number, ${laterSteps} as later_steps,
             sc.timezone as schedule_timezone, sc.windows, sc.closed_dates, sc.holidays, sc.special_hours,
             sc.uses_contact_timezone, sc.spread_minutes, c.timezone as contact_timezone, co.timezone as company_timezone
      from sequence_enrollment n
      join email_sequence s on s.id = n.sequence_id
      join schedule sc on sc.id = s.schedule_id
      join contact c on c.id = n.contact_id
      left join company co on co.id = coalesce(n.company_id, c.company_id)
      left join lateral (
        select x.step_id from step_execution x where x.enrollment_id = n.id
        order by x.created_at desc, x.step_number desc limit 1
      ) last on true
      left join sequence_step st on st.id = last.step_id
      ${reachedStep}
      where n.id = any($1) and ${isStranded}`,
    values: [enrollmentIds],
  });
  return rows.map((row) => ({
    enrollmentId: row.id,
    versionId: row.version_id,
    reachedStepNumber: row.reached_step_number,
    laterSteps: row.later_steps.map(stepFromRow),
    schedule: scheduleFromRow(row),
    zones: { contact: row.contact_timezone, company: row.company_timezone },
  }));
}

export interface Opening {
  readonly enrollmentId: string;
  /** The version that the plan was made from. If the enrollment has moved to another one since, nothing is written. */
  readonly versionId: string;
  readonly reachedStepNumber: number;
  readonly plan: NextStepPlan;
}

/** What a repair says in the record: of the step that it opened, or of the last one if none was left. */
export interface RepairSentences {
  readonly reason: string;
  readonly opened: string;
  readonly completed: string;
}

/**
 * The next step of stranded enrollments appears, with a timer if the sequence is active, and what they had reached is
 * behind them, also if the next step is one that is owed and stands before it; one that has no step left completes. Guarded
 * by the same condition that found them. Whoever was asked to do it needs no sentence; a repair leaves one. Answers the
 * timers.
 */
export async function openNextSteps(
  db: Queryable,
  openings: readonly Opening[],
  { now, actor }: MovedBy,
  repair: RepairSentences | null = null,
): Promise<Revived[]> {
  if (openings.length === 0) return [];
  const { rows } = await db.query<{ id: string; scheduled_for: Date }>({
    text: statement,
    values: [
      JSON.stringify(openings.map(toRecord)),
      JSON.stringify(openings.flatMap(toPassedOver)),
      now,
      actor,
      repair && JSON.stringify(repair),
    ],
  });
  return rows.map((row) => ({ executionId: row.id, generation: 0, scheduledFor: row.scheduled_for }));
}

const statement = `
  with input as (
    select * from jsonb_to_recordset($1) as i(
      enrollment_id uuid, version_id uuid, reached_step_number int, next_id uuid, next_step_id uuid, next_step_key uuid, next_step_number int,
      next_timezone text, next_timezone_source text, next_due_at timestamptz, next_scheduled_for timestamptz,
      next_is_held boolean, next_deferral text)
  ),
  live as materialized (
    select n.id, s.status as sequence_status
    from input i
    join sequence_enrollment n on n.id = i.enrollment_id and n.version_id = i.version_id
    join email_sequence s on s.id = n.sequence_id
    where ${isStranded} order by n.id for no key update of n
  ),
  passed as (
    insert into step_execution (id, enrollment_id, step_id, step_key, step_number, status, counts_from, due_at, scheduled_for)
    select p.id, p.enrollment_id, p.step_id, p.step_key, p.step_number, 'skipped', $3, $3, $3
    from jsonb_to_recordset($2) as p(id uuid, enrollment_id uuid, step_id uuid, step_key uuid, step_number int)
    join live on live.id = p.enrollment_id
    on conflict (enrollment_id, step_key) do nothing
    returning id, step_number
  ),
  opened as (
    insert into step_execution (id, enrollment_id, step_id, step_key, step_number, timezone, timezone_source, status,
                                hold_reason, held_at, error_message, counts_from, due_at, scheduled_for)
    select i.next_id, i.enrollment_id, i.next_step_id, i.next_step_key, i.next_step_number, i.next_timezone,
           i.next_timezone_source, case when hold is null then 'scheduled' else 'pending' end,
           hold, case when hold is not null then $3::timestamptz end,
           case hold when 'sequence_paused' then 'The sequence is paused.'
                     when 'window_never_opens' then 'The schedule has no window in the next 400 days.' end,
           $3, i.next_due_at, i.next_scheduled_for
    from input i join live on live.id = i.enrollment_id,
    lateral (select case when live.sequence_status = 'paused' then 'sequence_paused'
                         when i.next_is_held then 'window_never_opens' end as hold) h
    where i.next_id is not null
    on conflict (enrollment_id, step_key) do nothing
    returning id, status, hold_reason, error_message, scheduled_for
  ),
  completed as (
    update sequence_enrollment n
    set status = 'completed', end_reason = 'completed', completed_at = $3, ended_at = $3, updated_at = now()
    from live join input i on i.enrollment_id = live.id
    where n.id = live.id and i.next_id is null
  ),
  advanced as (
    update sequence_enrollment n set current_step_number = i.reached_step_number, updated_at = now()
    from live join input i on i.enrollment_id = live.id
    where n.id = live.id and i.next_id is not null and i.reached_step_number > n.current_step_number
  ),
  told as (
    insert into execution_event (id, execution_id, at, kind, reason, message, actor)
    select gen_random_uuid(), id, $3, 'skipped', 'step_inactive', 'Step ' || step_number || ' is inactive.', $4 from passed
    union all
    select gen_random_uuid(), o.id, $3, 'deferred', 'outside_window', i.next_deferral, $4
    from opened o join input i on i.next_id = o.id where i.next_deferral is not null
    union all
    select gen_random_uuid(), id, $3, 'held', hold_reason, error_message, $4 from opened where hold_reason is not null
    union all
    select gen_random_uuid(), id, $3, 'repaired', $5::jsonb ->> 'reason', $5::jsonb ->> 'opened', $4
    from opened where $5::jsonb is not null
    union all
    select gen_random_uuid(), last.id, $3, 'repaired', $5::jsonb ->> 'reason', $5::jsonb ->> 'completed', $4
    from input i join live on live.id = i.enrollment_id,
    lateral (select x.id from step_execution x where x.enrollment_id = i.enrollment_id
             order by x.created_at desc, x.step_number desc limit 1) last
    where i.next_id is null and $5::jsonb is not null
  )
  select id, scheduled_for from opened where status = 'scheduled'`;

function toRecord({ enrollmentId, versionId, reachedStepNumber, plan: { next } }: Opening) {
  return {
    enrollment_id: enrollmentId,
    version_id: versionId,
    reached_step_number: reachedStepNumber,
    next_id: next && newId(),
    next_step_id: next?.stepId ?? null,
    next_step_key: next?.stepKey ?? null,
    next_step_number: next?.stepNumber ?? null,
    next_timezone: next?.timezone ?? null,
    next_timezone_source: next?.timezoneSource ?? null,
    next_due_at: next?.dueAt ?? null,
    next_scheduled_for: next?.scheduledFor ?? null,
    next_is_held: next?.isHeld ?? false,
    next_deferral: next?.deferral ?? null,
  };
}

function toPassedOver({ enrollmentId, plan }: Opening) {
  return plan.passedOver.map((step) => ({
    id: newId(),
    enrollment_id: enrollmentId,
    step_id: step.stepId,
    step_key: step.stepKey,
    step_number: step.stepNumber,
  }));
}
