import type { Queryable } from "./database.ts";
import type { EnrollableSequence } from "./load-enrollable.ts";
import { scheduleFromRow, stepFromRow } from "./load-facts.ts";

/** `draft` is the version that somebody builds and has not published. */
export type VersionChoice = "current" | "draft";

/** A sequence as enrolling sees it, with what its steps are called. */
export interface PlannableSequence extends EnrollableSequence {
  readonly name: string;
  readonly stepNames: ReadonlyMap<string, string>;
}

export type PlannableSequenceResult =
  | { readonly kind: "found"; readonly sequence: PlannableSequence }
  | { readonly kind: "unknown" }
  | { readonly kind: "no_draft" };

/** Reads one version of a sequence without locking it: whoever only plans keeps nobody from editing. */
export async function loadPlannableSequence(
  db: Queryable,
  sequenceId: string,
  version: VersionChoice,
): Promise<PlannableSequenceResult> {
  const { rows } = await db.query({
    name: "load-plannable-sequence",
    text: `
      select s.id, s.name, s.status, s.re_enrollment, s.re_enrollment_cooldown, v.id as version_id,
             sc.timezone as schedule_timezone, sc.windows, sc.closed_dates, sc.holidays, sc.special_hours,
             sc.uses_contact_timezone, sc.spread_minutes,
             coalesce((
               select jsonb_agg(jsonb_build_object('id', t.id, 'step_key', t.step_key, 'step_number', t.step_number,
                                                   'delay_value', t.delay_value, 'delay_unit', t.delay_unit,
                                                   'is_active', t.is_active, 'name', t.name) order by t.step_number)
               from sequence_step t where t.version_id = v.id
             ), '[]') as steps
      from email_sequence s
      join schedule sc on sc.id = s.schedule_id
      left join sequence_version v on v.sequence_id = s.id
        and case when $2 = 'draft' then v.published_at is null else v.version_number = s.current_version_number end
      where s.id = $1`,
    values: [sequenceId, version],
  });
  const row = rows[0];
  if (row === undefined) return { kind: "unknown" };
  if (row.version_id === null) return { kind: "no_draft" };
  return {
    kind: "found",
    sequence: {
      id: row.id,
      name: row.name,
      status: row.status,
      reEnrollment: row.re_enrollment,
      reEnrollmentCooldown: row.re_enrollment_cooldown,
      versionId: row.version_id,
      steps: row.steps.map(stepFromRow),
      stepNames: new Map(row.steps.map((step: { id: string; name: string }) => [step.id, step.name])),
      schedule: scheduleFromRow(row),
    },
  };
}
