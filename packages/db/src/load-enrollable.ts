import type { Elapsed } from "@dripline/domain/elapsed";
import type { PlannedStep } from "@dripline/domain/next-step";
import type { Schedule } from "@dripline/domain/schedule";
import type { ReEnrollment, SequenceStatus } from "@dripline/domain/statuses";
import type { PeopleZones } from "@dripline/domain/time-zone";
import type { Queryable } from "./database.ts";
import { scheduleFromRow, stepFromRow } from "./load-facts.ts";

/** A sequence as new enrollments see it: its current version's steps and its schedule. */
export interface EnrollableSequence {
  readonly id: string;
  readonly status: SequenceStatus;
  readonly reEnrollment: ReEnrollment;
  readonly reEnrollmentCooldown: Elapsed | null;
  readonly versionId: string;
  readonly steps: readonly PlannedStep[];
  readonly schedule: Schedule;
}

/** Each look that finds another version than it locked is followed by one more; nobody publishes that fast. */
const looksMax = 5;

/**
 * Reads the sequence's current version. Undefined if there is no such sequence. In a transaction the sequence's status
 * and the version's steps stay as they were read until its end: whoever pauses, archives, publishes or edits waits, and
 * whoever is at it is waited for. Nobody can slip into a sequence that is being archived.
 */
export async function loadEnrollableSequence(
  db: Queryable,
  sequenceId: string,
): Promise<EnrollableSequence | undefined> {
  // The sequence before its version, as edits do: the other way round the two would deadlock. Enrollments do not keep
  // each other waiting.
  await db.query({
    name: "lock-enrollable-sequence",
    text: "select from email_sequence where id = $1 for share",
    values: [sequenceId],
  });
  for (let look = 1; look <= looksMax; look += 1) {
    // A statement of its own: one that waited for the lock would still read the steps of before.
    const locked = await db.query<{ id: string }>({
      name: "lock-current-version",
      text: `select v.id from sequence_version v
             join email_sequence s on s.id = v.sequence_id and s.current_version_number = v.version_number
             where s.id = $1 for key share of v`,
      values: [sequenceId],
    });
    const sequence = await readCurrentVersion(db, sequenceId);
    if (sequence === undefined || sequence.versionId === locked.rows[0]?.id) return sequence;
  }
  throw new Error(`sequence ${sequenceId} was published again and again while its current version was read`);
}

async function readCurrentVersion(db: Queryable, sequenceId: string): Promise<EnrollableSequence | undefined> {
  const { rows } = await db.query({
    name: "load-enrollable-sequence",
    text: `
      select s.id, s.status, s.re_enrollment, s.re_enrollment_cooldown, v.id as version_id,
             sc.timezone as schedule_timezone, sc.windows, sc.closed_dates, sc.holidays, sc.special_hours,
             sc.uses_contact_timezone, sc.spread_minutes,
             coalesce((
               select jsonb_agg(jsonb_build_object('id', t.id, 'step_key', t.step_key, 'step_number', t.step_number,
                                                   'delay_value', t.delay_value, 'delay_unit', t.delay_unit,
                                                   'is_active', t.is_active) order by t.step_number)
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
    reEnrollment: row.re_enrollment,
    reEnrollmentCooldown: row.re_enrollment_cooldown,
    versionId: row.version_id,
    steps: row.steps.map(stepFromRow),
    schedule: scheduleFromRow(row),
  };
}

/** A contact as far as enrolling cares, with their last enrollment in this sequence, if there was one. */
export interface EnrollableContact {
  readonly id: string;
  readonly zones: PeopleZones;
  readonly optedOutAt: Date | null;
  readonly isSuppressed: boolean;
  readonly lastEnrollment: { readonly id: string; readonly status: string; readonly endedAt: Date | null } | null;
}

/** Who is to be enrolled, and for which company; null: for the contact's own. */
export interface EnrollablePerson {
  readonly contactId: string;
  readonly companyId: string | null;
}

/**
 * Reads these contacts in the light of one sequence, and of the company that each is enrolled for. One that does not exist
 * is missing from the answer; one that is asked for twice for the same company is in it once.
 */
export async function loadEnrollableContacts(
  db: Queryable,
  sequenceId: string,
  people: readonly EnrollablePerson[],
): Promise<(EnrollableContact & { readonly companyId: string | null })[]> {
  const { rows } = await db.query({
    name: "load-enrollable-contacts",
    text: `
      select c.id, c.timezone, p.company_id, co.timezone as company_timezone, c.opted_out_at,
             exists (select from suppression x where lower(x.email) = lower(c.email)) as is_suppressed,
             n.id as enrollment_id, n.status as enrollment_status, n.ended_at
      from (select distinct * from unnest($2::uuid[], $3::uuid[]) as p(contact_id, company_id)) p
      join contact c on c.id = p.contact_id
      left join company co on co.id = coalesce(p.company_id, c.company_id)
      left join lateral (
        select id, status, ended_at from sequence_enrollment
        where contact_id = c.id and sequence_id = $1
        order by status in ('active', 'paused') desc, enrolled_at desc limit 1
      ) n on true`,
    values: [sequenceId, people.map(({ contactId }) => contactId), people.map(({ companyId }) => companyId)],
  });
  return rows.map((row) => ({
    id: row.id,
    companyId: row.company_id,
    zones: { contact: row.timezone, company: row.company_timezone },
    optedOutAt: row.opted_out_at,
    isSuppressed: row.is_suppressed,
    lastEnrollment:
      row.enrollment_id === null
        ? null
        : { id: row.enrollment_id, status: row.enrollment_status, endedAt: row.ended_at },
  }));
}
