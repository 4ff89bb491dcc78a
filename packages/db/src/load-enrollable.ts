import type { PlannedStep } from "@dripline/domain/next-step";
import type { Schedule } from "@dripline/domain/schedule";
import type { SequenceStatus } from "@dripline/domain/statuses";
import type { Queryable } from "./database.ts";
import { scheduleFromRow, stepFromRow } from "./load-facts.ts";

/** A sequence as new enrollments see it: its current version's steps and its schedule. */
export interface EnrollableSequence {
  readonly id: string;
  readonly status: SequenceStatus;
  readonly versionId: string;
  readonly steps: readonly PlannedStep[];
  readonly schedule: Schedule;
}

/**
 * Reads the sequence's current version. Undefined if there is no such sequence. In a transaction the version's steps
 * stay as they were read until its end: whoever adds one waits, and whoever is adding one is waited for.
 */
export async function loadEnrollableSequence(
  db: Queryable,
  sequenceId: string,
): Promise<EnrollableSequence | undefined> {
  // A statement of its own: one that waited for the lock would still read the steps of before.
  await db.query({
    name: "lock-current-version",
    text: `select from sequence_version v
           join email_sequence s on s.id = v.sequence_id and s.current_version_number = v.version_number
           where s.id = $1 for key share of v`,
    values: [sequenceId],
  });
  const { rows } = await db.query({
    name: "load-enrollable-sequence",
    text: `
      select s.id, s.status, v.id as version_id, sc.timezone as schedule_timezone, sc.windows, sc.closed_dates,
             sc.uses_contact_timezone, sc.spread_minutes,
             coalesce((
               select jsonb_agg(jsonb_build_object('id', t.id, 'step_number', t.step_number, 'delay_value', t.delay_value,
                                                   'delay_unit', t.delay_unit, 'is_active', t.is_active))
               from sequence_step t where t.version_id = v.id
             ), '[]') as steps
      from email_sequence s
      join sequence_version v on v.sequence_id = s.id and v.version_number = s.current_version_number
      join schedule sc on sc.id = s.schedule_id
      where s.id = $1`,
    values: [sequenceId],
  });
  const row = rows[0];
  if (row === undefined) return undefined;
  return {
    id: row.id,
    status: row.status,
    versionId: row.version_id,
    steps: row.steps.map(stepFromRow),
    schedule: scheduleFromRow(row),
  };
}

/** A contact as far as enrolling cares, with the enrollment that stands in the way, if one does. */
export interface EnrollableContact {
  readonly id: string;
  readonly timezone: string | null;
  readonly optedOutAt: Date | null;
  readonly isSuppressed: boolean;
  readonly existingEnrollment: { readonly id: string; readonly status: string } | null;
}

/** Reads these contacts in the light of one sequence. One that does not exist is missing from the answer. */
export async function loadEnrollableContacts(
  db: Queryable,
  sequenceId: string,
  contactIds: readonly string[],
): Promise<EnrollableContact[]> {
  const { rows } = await db.query({
    name: "load-enrollable-contacts",
    text: `
      select c.id, c.timezone, c.opted_out_at,
             exists (select from suppression x where lower(x.email) = lower(c.email)) as is_suppressed,
             n.id as enrollment_id, n.status as enrollment_status
      from contact c
      left join lateral (
        select id, status from sequence_enrollment
        where contact_id = c.id and sequence_id = $1 order by enrolled_at desc limit 1
      ) n on true
      where c.id = any($2)`,
    values: [sequenceId, contactIds],
  });
  return rows.map((row) => ({
    id: row.id,
    timezone: row.timezone,
    optedOutAt: row.opted_out_at,
    isSuppressed: row.is_suppressed,
    existingEnrollment: row.enrollment_id === null ? null : { id: row.enrollment_id, status: row.enrollment_status },
  }));
}
