import type { SendFacts } from "@dripline/domain/decide-send";
import { TRANSPORT_SCOPE } from "@dripline/domain/delivery-backoff";
import type { Elapsed } from "@dripline/domain/elapsed";
import type { PlannedStep } from "@dripline/domain/next-step";
import type { HolidayCalendar, Schedule, SpecialHours, WeeklyWindow } from "@dripline/domain/schedule";
import type {
  EnrollmentStatus,
  ExecutionStatus,
  InDoubtPolicy,
  LatePolicy,
  SequenceStatus,
} from "@dripline/domain/statuses";
import type { Queryable } from "./database.ts";
import type { MessageSource } from "./message-source.ts";
import { laterSteps, reachedStep } from "./queries/later-steps.ts";

/** Everything that one execution's decision, message and record need, as it stood in one statement. */
export interface ExecutionFacts extends SendFacts {
  readonly execution: SendFacts["execution"] & {
    readonly stepId: string;
    readonly messageId: string | null;
    /** Of an earlier attempt at this step to this address; null: the message is made anew. */
    readonly messageSource: MessageSource | null;
    readonly hasAdvanced: boolean;
  };
  readonly sequence: SendFacts["sequence"] & {
    readonly id: string;
    readonly name: string;
    readonly inDoubtPolicy: InDoubtPolicy;
    readonly sendsPerDayMax: number | null;
  };
  /** `updatedAt` tells whether it is still the same one. */
  readonly schedule: SendFacts["schedule"] & { readonly updatedAt: Date };
  readonly enrollment: SendFacts["enrollment"] & { readonly versionId: string };
  readonly contact: SendFacts["contact"] & {
    readonly id: string;
    readonly email: string;
    readonly firstName: string;
    readonly lastName: string;
    readonly country: string | null;
    readonly attributes: Readonly<Record<string, unknown>>;
  };
  readonly company: {
    readonly timezone: string | null;
    readonly name: string;
    readonly country: string | null;
    readonly attributes: Readonly<Record<string, unknown>>;
  } | null;
  /** Its content is read once for all emails: see `loadTemplateContent`. */
  readonly template: { readonly versionId: string };
  /** What this person has still to get: the steps after this one, in the enrollment's version, that they have not had. */
  readonly laterSteps: readonly PlannedStep[];
  /** The database's clock when the facts were read: the one that the claim compares with. */
  readonly databaseNow: Date;
  /** Whether the mail server or the recipient's domain is slowed down: then this email needs its turn. */
  readonly isBackedOff: boolean;
}

interface Row {
  id: string;
  status: ExecutionStatus;
  generation: number;
  due_at: Date;
  scheduled_for: Date;
  step_number: number;
  step_id: string;
  step_key: string;
  max_lateness: Elapsed | null;
  late_policy: LatePolicy;
  attempt_count: number;
  catches_up: boolean;
  message_id: string | null;
  message_source: MessageSource | null;
  has_advanced: boolean;
  step_is_active: boolean;
  step_is_deleted: boolean;
  enrollment_id: string;
  enrollment_status: EnrollmentStatus;
  version_id: string;
  sequence_id: string;
  sequence_name: string;
  sequence_status: SequenceStatus;
  in_doubt_policy: InDoubtPolicy;
  sends_per_day_max: number | null;
  schedule_timezone: string;
  windows: WeeklyWindow[];
  closed_dates: string[];
  holidays: HolidayCalendar | null;
  special_hours: SpecialHours[];
  uses_contact_timezone: boolean;
  spread_minutes: number;
  schedule_updated_at: Date;
  contact_id: string;
  email: string;
  first_name: string;
  last_name: string;
  contact_timezone: string | null;
  contact_country: string | null;
  contact_attributes: Record<string, unknown>;
  opted_out_at: Date | null;
  is_suppressed: boolean;
  company_name: string | null;
  company_timezone: string | null;
  company_country: string | null;
  company_attributes: Record<string, unknown> | null;
  template_version_id: string;
  later_steps: {
    id: string;
    step_key: string;
    step_number: number;
    delay_value: number;
    delay_unit: PlannedStep["delay"]["unit"];
    is_active: boolean;
  }[];
  database_now: Date;
  is_backed_off: boolean;
}

const statement = `
  select e.id, e.status, e.generation, e.due_at, e.scheduled_for, e.step_number, e.step_id, e.step_key, e.attempt_count, e.catches_up, e.message_id,
         pinned.source as message_source, e.has_advanced, st.is_active as step_is_active, 
         not exists (select from sequence_step here where here.version_id = n.version_id and here.step_key = e.step_key) as step_is_deleted, st.max_lateness, st.late_policy,
         n.id as enrollment_id, n.status as enrollment_status, n.version_id,
         s.id as sequence_id, s.name as sequence_name, s.status as sequence_status, s.in_doubt_policy, s.sends_per_day_max,
         sc.timezone as schedule_timezone, sc.windows, sc.closed_dates, sc.holidays, sc.special_hours, sc.uses_contact_timezone, sc.spread_minutes,
         sc.updated_at as schedule_updated_at, c.id as contact_id, c.email, c.first_name, c.last_name, c.timezone as contact_timezone,
         c.country as contact_country, c.attributes as contact_attributes, c.opted_out_at,
         exists (select from suppression x where lower(x.email) = lower(c.email)) as is_suppressed,
         co.name as company_name, co.timezone as company_timezone, co.country as company_country, co.attributes as company_attributes,
         tv.id as template_version_id,
         ${laterSteps} as later_steps,
         exists (select from delivery_backoff
                 where scope in ('${TRANSPORT_SCOPE}', 'domain:' || lower(substring(c.email from '[^@]*$')))) as is_backed_off,
         clock_timestamp() as database_now
  from step_execution e
  join sequence_enrollment n on n.id = e.enrollment_id
  join email_sequence s on s.id = n.sequence_id
  join schedule sc on sc.id = s.schedule_id
  join contact c on c.id = n.contact_id
  left join company co on co.id = coalesce(n.company_id, c.company_id)
  join sequence_step st on st.id = e.step_id
  ${reachedStep}
  left join lateral (
    select e.message_source as source
    -- After a doubt it holds whatever was edited since: a second copy has to be the same message.
    where (e.message_source ->> 'stepId' = e.step_id::text or e.email_log_id is not null) and lower(e.message_source -> 'to' ->> 'address') = lower(c.email)
      and e.message_source -> 'from' ->> 'address' <> '' -- an upgrade left it where nobody knows it
  ) pinned on true
  join email_template t on t.id = st.template_id
  join email_template_version tv on tv.id = coalesce(
    (select id from email_template_version where id = (pinned.source ->> 'templateVersionId')::uuid),
    (select id from email_template_version where template_id = t.id and version_number = t.current_version_number))
  where e.id = any($1)`;

/** Reads the facts of these executions. One that does not exist is missing from the answer. */
export async function loadFacts(db: Queryable, executionIds: readonly string[]): Promise<ExecutionFacts[]> {
  const { rows } = await db.query<Row>({ name: "load-facts", text: statement, values: [executionIds] });
  return rows.map(fromRow);
}

function fromRow(row: Row): ExecutionFacts {
  return {
    execution: {
      id: row.id,
      status: row.status,
      generation: row.generation,
      dueAt: row.due_at,
      scheduledFor: row.scheduled_for,
      stepNumber: row.step_number,
      stepKey: row.step_key,
      stepId: row.step_id,
      attemptCount: row.attempt_count,
      catchesUp: row.catches_up,
      messageId: row.message_id,
      messageSource: row.message_source,
      hasAdvanced: row.has_advanced,
    },
    step: {
      isActive: row.step_is_active,
      isDeleted: row.step_is_deleted,
      maxLateness: row.max_lateness,
      latePolicy: row.late_policy,
    },
    enrollment: { id: row.enrollment_id, status: row.enrollment_status, versionId: row.version_id },
    sequence: {
      id: row.sequence_id,
      name: row.sequence_name,
      status: row.sequence_status,
      inDoubtPolicy: row.in_doubt_policy,
      sendsPerDayMax: row.sends_per_day_max,
    },
    schedule: { ...scheduleFromRow(row), updatedAt: row.schedule_updated_at },
    contact: {
      id: row.contact_id,
      email: row.email,
      firstName: row.first_name,
      lastName: row.last_name,
      timezone: row.contact_timezone,
      country: row.contact_country,
      attributes: row.contact_attributes,
      optedOutAt: row.opted_out_at,
      isSuppressed: row.is_suppressed,
    },
    company:
      row.company_name === null
        ? null
        : {
            name: row.company_name,
            timezone: row.company_timezone,
            country: row.company_country,
            attributes: row.company_attributes ?? {},
          },
    template: { versionId: row.template_version_id },
    laterSteps: row.later_steps.map(stepFromRow),
    databaseNow: row.database_now,
    isBackedOff: row.is_backed_off,
  };
}

export function stepFromRow(row: Row["later_steps"][number]): PlannedStep {
  return {
    id: row.id,
    key: row.step_key,
    stepNumber: row.step_number,
    delay: { value: row.delay_value, unit: row.delay_unit },
    isActive: row.is_active,
  };
}

export function scheduleFromRow(
  row: Pick<
    Row,
    | "schedule_timezone"
    | "windows"
    | "closed_dates"
    | "holidays"
    | "special_hours"
    | "uses_contact_timezone"
    | "spread_minutes"
  >,
): Schedule {
  return {
    timezone: row.schedule_timezone,
    windows: row.windows,
    closedDates: row.closed_dates,
    holidays: row.holidays,
    specialHours: row.special_hours,
    usesContactTimezone: row.uses_contact_timezone,
    spreadMinutes: row.spread_minutes,
  };
}
