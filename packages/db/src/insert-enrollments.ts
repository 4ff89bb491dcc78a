import type { NextStepPlan } from "@dripline/domain/next-step";
import type { Queryable } from "./database.ts";
import { newId } from "./new-id.ts";

export interface NewEnrollment {
  readonly enrollmentId: string;
  readonly sequenceId: string;
  readonly versionId: string;
  readonly contactId: string;
  readonly companyId: string | null;
  readonly notes: string;
  readonly enrolledAt: Date;
  /** An enrollment that ended later than this stands in the way, where ended ones do not at all. */
  readonly endedBefore: Date;
  readonly plan: NextStepPlan;
}

export interface InsertedEnrollment {
  readonly enrollmentId: string;
  readonly contactId: string;
  readonly first: { readonly executionId: string; readonly generation: number; readonly scheduledFor: Date } | null;
}

/**
 * Enrollment and first execution in one statement. The conditions are part of it: the sequence is active and this is
 * still its current version, the contact may receive email, and no earlier enrollment stands in the way (by the
 * sequence's rule for re-enrollment); of two racing requests the unique index lets one in. A contact that is missing from the answer was not enrolled; ask `explainRefusal` why.
 */
export async function insertEnrollments(
  db: Queryable,
  enrollments: readonly NewEnrollment[],
): Promise<InsertedEnrollment[]> {
  const input = enrollments.map(toRecord);
  const { rows } = await db.query<{
    id: string;
    next_id: string;
    status: string;
    scheduled_for: Date | null;
  }>({
    name: "insert-enrollments",
    text: `
      with input as (
        select * from jsonb_to_recordset($1) as i(
          id uuid, sequence_id uuid, version_id uuid, contact_id uuid, company_id uuid, notes text, enrolled_at timestamptz,
          ended_before timestamptz, next_step_key uuid, next_timezone text, next_timezone_source text,
          next_id uuid, next_step_id uuid, next_step_number int, next_due_at timestamptz, next_scheduled_for timestamptz,
          next_is_held boolean, event_id uuid, deferral text, passed_over jsonb)
      ),
      enrolled as (
        insert into sequence_enrollment (id, sequence_id, version_id, contact_id, company_id, status, enrolled_at, notes)
        select i.id, i.sequence_id, i.version_id, i.contact_id, coalesce(i.company_id, c.company_id), 'active', i.enrolled_at, i.notes
        from input i
        join email_sequence s on s.id = i.sequence_id and s.status = 'active'
        join sequence_version v on v.id = i.version_id and v.sequence_id = s.id and v.version_number = s.current_version_number
        join contact c on c.id = i.contact_id and c.opted_out_at is null
        where not exists (select from suppression x where lower(x.email) = lower(c.email))
          and not exists (
            select from sequence_enrollment n where n.sequence_id = i.sequence_id and n.contact_id = i.contact_id
              and (s.re_enrollment = 'never' or n.status in ('active', 'paused') or n.ended_at > i.ended_before))
        order by i.contact_id -- two lists with the same people wait for each other, and do not deadlock
        on conflict (sequence_id, contact_id) where status in ('active', 'paused') do nothing
        returning id
      ),
      passed as (
        insert into step_execution (id, enrollment_id, step_id, step_key, step_number, status, counts_from, due_at, scheduled_for)
        select (p ->> 'id')::uuid, i.id, (p ->> 'step_id')::uuid, (p ->> 'step_key')::uuid, (p ->> 'step_number')::int,
               'skipped', i.enrolled_at, i.enrolled_at, i.enrolled_at
        from enrolled join input i on i.id = enrolled.id, jsonb_array_elements(i.passed_over) p
      ),
      opened as (
        insert into step_execution (id, enrollment_id, step_id, step_key, step_number, timezone, timezone_source,
                                    status, hold_reason, held_at, error_message, counts_from, due_at, scheduled_for)
        select i.next_id, i.id, i.next_step_id, i.next_step_key, i.next_step_number, i.next_timezone, i.next_timezone_source,
               case when i.next_is_held then 'pending' else 'scheduled' end,
               case when i.next_is_held then 'window_never_opens' end,
               case when i.next_is_held then i.enrolled_at end,
               case when i.next_is_held then 'The schedule has no window in the next 400 days.' end,
               i.enrolled_at, i.next_due_at, i.next_scheduled_for
        from enrolled join input i on i.id = enrolled.id
        returning id, enrollment_id, status, scheduled_for
      ),
      told as (
        insert into execution_event (id, execution_id, at, kind, reason, message, actor)
        select i.event_id, i.next_id, i.enrolled_at, 'deferred', 'outside_window', i.deferral, 'enroll'
        from enrolled join input i on i.id = enrolled.id where i.deferral is not null
        union all
        select gen_random_uuid(), i.next_id, i.enrolled_at, 'held', 'window_never_opens',
               'The schedule has no window in the next 400 days.', 'enroll'
        from enrolled join input i on i.id = enrolled.id where i.next_is_held
        union all
        select (p ->> 'event_id')::uuid, (p ->> 'id')::uuid, i.enrolled_at, 'skipped', 'step_inactive',
               'Step ' || (p ->> 'step_number') || ' is inactive.', 'enroll'
        from enrolled join input i on i.id = enrolled.id, jsonb_array_elements(i.passed_over) p
      )
      -- One for each enrollment. Joined with "enrolled" it would be gone through once for each: of neither the planner knows the size.
      select enrollment_id as id, id as next_id, status, scheduled_for from opened`,
    values: [JSON.stringify(input)],
  });
  const contactIds = new Map(enrollments.map(({ enrollmentId, contactId }) => [enrollmentId, contactId]));
  return rows.map((row) => ({
    enrollmentId: row.id,
    contactId: contactIds.get(row.id) ?? "",
    first:
      row.scheduled_for !== null && row.status === "scheduled"
        ? { executionId: row.next_id, generation: 0, scheduledFor: row.scheduled_for }
        : null,
  }));
}

function toRecord(enrollment: NewEnrollment) {
  const { next, passedOver } = enrollment.plan;
  if (next === null) throw new Error("insertEnrollments: a sequence without an active step cannot be enrolled in");
  return {
    id: enrollment.enrollmentId,
    sequence_id: enrollment.sequenceId,
    version_id: enrollment.versionId,
    contact_id: enrollment.contactId,
    company_id: enrollment.companyId,
    notes: enrollment.notes,
    enrolled_at: enrollment.enrolledAt,
    ended_before: enrollment.endedBefore,
    next_id: newId(),
    next_step_id: next.stepId,
    next_step_key: next.stepKey,
    next_timezone: next.timezone,
    next_timezone_source: next.timezoneSource,
    next_step_number: next.stepNumber,
    next_due_at: next.dueAt,
    next_scheduled_for: next.scheduledFor,
    next_is_held: next.isHeld,
    event_id: next.deferral === null ? null : newId(),
    deferral: next.deferral,
    passed_over: passedOver.map((step) => ({
      id: newId(),
      event_id: newId(),
      step_id: step.stepId,
      step_key: step.stepKey,
      step_number: step.stepNumber,
    })),
  };
}
