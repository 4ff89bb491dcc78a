import type { NextStepPlan } from "@dripline/domain/next-step";
import type { Queryable } from "./database.ts";
import { newId } from "./new-id.ts";
import { reachedStepNumber } from "./queries/later-steps.ts";

/** An email that was handed to an SMTP server, for email_log; what it was made from stands in the row since the claim. */
interface HandedOver {
  /** The server's final reply; null when none came. */
  readonly response: string | null;
}

export interface Finish {
  readonly executionId: string;
  /** The generation of the claim (from `sending`) or of the wake-up (from `scheduled`); for an operator the current one. */
  readonly generation: number;
  readonly from: "pending" | "scheduled" | "sending" | "failed" | "in_doubt";
  readonly to: "sent" | "in_doubt" | "skipped";
  /** When the step was over: the next one's delay counts from here. */
  readonly at: Date;
  /** null: nothing was handed over now. */
  readonly email: HandedOver | null;
  /** A sentence for the event log; null where the row itself says everything (`sent`). */
  readonly event: FinishEvent | null;
  /**
   * The version that the plan was made from. If the enrollment has moved to another one since, or has gone on from this
   * step before, nothing is written; without a plan there is nothing to be wrong.
   */
  readonly versionId: string;
  /** null: the enrollment stays where it is, to wait for an operator or because it went on from here before. */
  readonly plan: NextStepPlan | null;
}

export interface FinishEvent {
  readonly reason: string;
  readonly message: string;
  readonly actor: string;
  /** When it was found out, if that was later than the end of the step. */
  readonly at?: Date;
}

/** What the record opened: the timer of the next step, if there is one. */
export interface Finished {
  readonly executionId: string;
  readonly enrollmentStatus: string;
  readonly next: { readonly executionId: string; readonly generation: number; readonly scheduledFor: Date } | null;
}

/**
 * The end of a step and the beginning of the next, as one statement and so one transaction: the execution moves
 * (fenced by state and generation), the email is logged, the enrollment advances or completes, steps passed over are
 * recorded as skipped, and the next step's row appears, with a timer if the enrollment and the sequence are still
 * active. The enrollment is locked first, as unenrolling does: the other way round the two would deadlock. Rows that are
 * not in the state they should leave, or whose enrollment has moved to another version than the plan was made from, are
 * missing from the answer, and nothing of theirs is written.
 */
export async function finishExecutions(db: Queryable, finishes: readonly Finish[]): Promise<Finished[]> {
  const { rows } = await db.query<{
    id: string;
    enrollment_status: string;
    next_id: string | null;
    next_status: string | null;
    next_scheduled_for: Date | null;
  }>({
    name: "finish-executions",
    text: statement,
    values: [
      JSON.stringify(finishes.map(toRecord)),
      JSON.stringify(finishes.flatMap(toPassedOver)),
      finishes.map(({ executionId }) => executionId),
    ],
  });
  return rows.map((row) => ({
    executionId: row.id,
    enrollmentStatus: row.enrollment_status,
    next:
      row.next_id !== null && row.next_status === "scheduled" && row.next_scheduled_for !== null
        ? { executionId: row.next_id, generation: 0, scheduledFor: row.next_scheduled_for }
        : null,
  }));
}

const statement = `
  with input as (
    select * from jsonb_to_recordset($1) as i(
      execution_id uuid, version_id uuid, generation int, from_status text, to_status text, at timestamptz,
      email_log_id uuid, email jsonb, event_id uuid, event jsonb,
      advances boolean, next_id uuid, next_step_id uuid, next_step_key uuid, next_step_number int, next_timezone text,
      next_timezone_source text, next_due_at timestamptz,
      next_scheduled_for timestamptz, next_is_held boolean, next_event_id uuid, next_deferral text)
  ),
  locked as materialized (
    select e.id as execution_id, e.message_id, e.message_source as source, n.version_id, n.contact_id, n.sequence_id
    from step_execution e join sequence_enrollment n on n.id = e.enrollment_id
    where e.id = any($3)
    order by n.id for update of n
  ),
  finished as (
    update step_execution e
    set status = i.to_status, phase = null, lease_until = null, hold_reason = null, held_at = null, updated_at = now(),
        sent_at = case when i.to_status = 'sent' then i.at end,
        email_log_id = coalesce(i.email_log_id, e.email_log_id), has_advanced = e.has_advanced or i.advances,
        message_source = case when i.to_status = 'in_doubt' then e.message_source end,
        smtp_code = case when i.to_status <> 'sent' then e.smtp_code end,
        enhanced_code = case when i.to_status <> 'sent' then e.enhanced_code end,
        error_message = case when i.to_status = 'sent' then null else coalesce(i.event ->> 'message', e.error_message) end
    from input i, locked
    where locked.execution_id = e.id and e.id = i.execution_id and e.generation = i.generation and e.status = i.from_status
      and (not i.advances or (locked.version_id = i.version_id and not e.has_advanced))
    returning e.enrollment_id, e.step_id, e.step_key, locked.contact_id, locked.sequence_id, locked.message_id, locked.source, i.*
  ),
  logged as (
    insert into email_log (id, execution_id, sequence_id, contact_id, template_version_id, message_id, from_address, to_address,
                           subject, variables, outcome, response, composed_at, sent_at)
    select f.email_log_id, f.execution_id, f.sequence_id, f.contact_id, (f.source ->> 'templateVersionId')::uuid, f.message_id,
           f.source -> 'from' ->> 'address', f.source -> 'to' ->> 'address', f.source ->> 'subject',
           (f.source -> 'variables')::jsonb, case when f.to_status = 'sent' then 'accepted' else 'in_doubt' end,
           f.email ->> 'response', (f.source ->> 'composedAt')::timestamptz, f.at
    from finished f where f.email is not null
  ),
  advanced as (
    update sequence_enrollment n
    set current_step_number = case when f.advances then coalesce(
          -- Where the enrollment's version has this step. One that was owed stands before where they had come, and takes
          -- nobody back.
          (select greatest(st.step_number, case when st.step_key = any(n.owed_step_keys) then n.current_step_number end)
           from sequence_step st where st.version_id = n.version_id and st.step_key = f.step_key),
          -- One that was deleted meanwhile: where it stood, since from there the plan goes on.
          (select ${reachedStepNumber} from sequence_step st where st.id = f.step_id),
          0) else n.current_step_number end,
        started_at = case when f.to_status = 'skipped' then n.started_at else coalesce(n.started_at, f.at) end,
        status = case when f.advances and f.next_id is null and n.status in ('active', 'paused') then 'completed' else n.status end,
        end_reason = case when f.advances and f.next_id is null and n.status in ('active', 'paused') then 'completed' else n.end_reason end,
        completed_at = case when f.advances and f.next_id is null and n.status in ('active', 'paused') then f.at else n.completed_at end,
        ended_at = case when f.advances and f.next_id is null and n.status in ('active', 'paused') then f.at else n.ended_at end,
        paused_at = case when f.advances and f.next_id is null then null else n.paused_at end,
        resume_at = case when f.advances and f.next_id is null then null else n.resume_at end,
        updated_at = now()
    from finished f
    where n.id = f.enrollment_id
    returning n.id, n.status, n.sequence_id, f.execution_id
  ),
  passed as (
    insert into step_execution (id, enrollment_id, step_id, step_key, step_number, status, counts_from, due_at, scheduled_for)
    select p.id, f.enrollment_id, p.step_id, p.step_key, p.step_number, 'skipped', f.at, f.at, f.at
    from jsonb_to_recordset($2) as p(id uuid, execution_id uuid, step_id uuid, step_key uuid, step_number int)
    join finished f on f.execution_id = p.execution_id
    on conflict (enrollment_id, step_key) do nothing
    returning id, step_number
  ),
  opened as (
    insert into step_execution (id, enrollment_id, step_id, step_key, step_number, timezone, timezone_source, status,
                                hold_reason, held_at, error_message, counts_from, due_at, scheduled_for)
    select f.next_id, f.enrollment_id, f.next_step_id, f.next_step_key, f.next_step_number, f.next_timezone, f.next_timezone_source,
           case when hold is null then 'scheduled' else 'pending' end,
           hold, case when hold is not null then f.at end, case hold when 'enrollment_paused' then 'The enrollment is paused.' when 'sequence_paused' then 'The sequence is paused.'
                           when 'window_never_opens' then 'The schedule has no window in the next 400 days.' end, f.at, f.next_due_at, f.next_scheduled_for
    from finished f
    join advanced a on a.execution_id = f.execution_id
    join email_sequence s on s.id = a.sequence_id,
    lateral (select case when a.status = 'paused' then 'enrollment_paused'
                         when s.status = 'paused' then 'sequence_paused'
                         when f.next_is_held then 'window_never_opens' end as hold) h
    where f.next_id is not null and a.status in ('active', 'paused')
    on conflict (enrollment_id, step_key) do nothing
    returning id, enrollment_id, status, hold_reason, error_message, scheduled_for
  ),
  told as (
    insert into execution_event (id, execution_id, at, kind, reason, message, actor)
    select f.event_id, f.execution_id, coalesce((f.event ->> 'at')::timestamptz, f.at), f.to_status, f.event ->> 'reason', f.event ->> 'message', f.event ->> 'actor'
    from finished f where f.event is not null
    union all
    select p.event_id, passed.id, f.at, 'skipped', 'step_inactive', 'Step ' || p.step_number || ' is inactive.', coalesce(f.event ->> 'actor', 'worker')
    from jsonb_to_recordset($2) as p(id uuid, event_id uuid, execution_id uuid, step_number int)
    join passed on passed.id = p.id join finished f on f.execution_id = p.execution_id
    union all
    select f.next_event_id, o.id, f.at, 'deferred', 'outside_window', f.next_deferral, coalesce(f.event ->> 'actor', 'worker')
    from opened o join finished f on f.next_id = o.id where f.next_deferral is not null
    union all
    select gen_random_uuid(), o.id, f.at, 'held', o.hold_reason, o.error_message, coalesce(f.event ->> 'actor', 'worker')
    from opened o join finished f on f.next_id = o.id where o.hold_reason is not null
  )
  select f.execution_id as id, a.status as enrollment_status,
         o.id as next_id, o.status as next_status, o.scheduled_for as next_scheduled_for
  from finished f join advanced a on a.execution_id = f.execution_id left join opened o on o.id = f.next_id`;

function toRecord(finish: Finish) {
  const next = finish.plan?.next ?? null;
  return {
    execution_id: finish.executionId,
    version_id: finish.versionId,
    generation: finish.generation,
    from_status: finish.from,
    to_status: finish.to,
    at: finish.at,
    email_log_id: finish.email && newId(),
    email: finish.email,
    event_id: finish.event && newId(),
    event: finish.event,
    advances: finish.plan !== null,
    next_id: next && newId(),
    next_step_id: next?.stepId ?? null,
    next_step_key: next?.stepKey ?? null,
    next_timezone: next?.timezone ?? null,
    next_timezone_source: next?.timezoneSource ?? null,
    next_step_number: next?.stepNumber ?? null,
    next_due_at: next?.dueAt ?? null,
    next_scheduled_for: next?.scheduledFor ?? null,
    next_is_held: next?.isHeld ?? false,
    next_event_id: next?.deferral ? newId() : null,
    next_deferral: next?.deferral ?? null,
  };
}

function toPassedOver(finish: Finish) {
  return (finish.plan?.passedOver ?? []).map((step) => ({
    id: newId(),
    event_id: newId(),
    execution_id: finish.executionId,
    step_id: step.stepId,
    step_key: step.stepKey,
    step_number: step.stepNumber,
  }));
}
