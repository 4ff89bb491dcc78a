import type { EnrollmentStatus } from "@dripline/domain/statuses";
import { and, eq, or, type SQL, sql } from "drizzle-orm";
import { orm, type Queryable } from "../database.ts";
import { sequenceEnrollment } from "../schema/journeys.ts";
import { company, contact } from "../schema/people.ts";
import { emailSequence } from "../schema/sequences.ts";
import { contains, isOneContaining } from "./contains.ts";
import { fullName } from "./full-name.ts";
import { type InstantRange, inRange } from "./in-range.ts";
import { chooseFrom, type Page, type PageRequest, readPage } from "./keyset.ts";
import { type Matching, matchingIds } from "./matching.ts";
import { findExecutionsOfEnrollments, type SequenceExecutionRow } from "./read-sequence-executions.ts";

export interface SequenceEnrollmentFilters extends InstantRange<"enrolled_at"> {
  readonly status?: EnrollmentStatus | undefined;
  readonly sequence?: string | undefined;
  readonly contact?: string | undefined;
  readonly search?: string | undefined;
}

const contactName = sql<string>`trim(${contact.firstName} || ' ' || ${contact.lastName})`;

const contactTexts = { id: contact.id, texts: [contact.email, fullName] };
const companyTexts = { id: company.id, texts: [company.name] };

const fields = {
  id: sequenceEnrollment.id,
  sequence: sequenceEnrollment.sequenceId,
  sequence_name: emailSequence.name,
  contact: sequenceEnrollment.contactId,
  contact_name: contactName,
  contact_email: contact.email,
  company: sequenceEnrollment.companyId,
  company_name: company.name,
  status: sequenceEnrollment.status,
  end_reason: sequenceEnrollment.endReason,
  steps_total: sql<number>`(
    select count(*)::int from sequence_step st where st.version_id = ${sequenceEnrollment.versionId})`,
  steps_done: sql<number>`(
    select count(*)::int from sequence_step st
    where st.version_id = ${sequenceEnrollment.versionId}
      and (${sequenceEnrollment.status} = 'completed'
        -- What they have had, wherever it stands now; and what they are past without it, unless it is owed to them.
        or exists (select from step_execution x where x.enrollment_id = ${sequenceEnrollment.id}
                   and x.step_key = st.step_key and x.status in ('sent', 'skipped', 'in_doubt'))
        or (st.step_key <> all(${sequenceEnrollment.owedStepKeys})
            and st.step_number < coalesce(
              (select min(x.step_number) from step_execution x where x.enrollment_id = ${sequenceEnrollment.id}
               and x.status in ('pending', 'scheduled', 'sending', 'failed')),
              ${sequenceEnrollment.currentStepNumber} + 1))))`,
  current_step_number: sequenceEnrollment.currentStepNumber,
  enrolled_at: sequenceEnrollment.enrolledAt,
  started_at: sequenceEnrollment.startedAt,
  completed_at: sequenceEnrollment.completedAt,
  ended_at: sequenceEnrollment.endedAt,
  paused_at: sequenceEnrollment.pausedAt,
  resume_at: sequenceEnrollment.resumeAt,
  version: sql<number>`(
    select v.version_number from sequence_version v where v.id = ${sequenceEnrollment.versionId})`,
  notes: sequenceEnrollment.notes,
  revision: sequenceEnrollment.revision,
};

type Row = Awaited<ReturnType<typeof findEnrollments>>[number];
export type SequenceEnrollmentRow = Row & { readonly step_executions: SequenceExecutionRow[] };

const isSequence = eq(emailSequence.id, sequenceEnrollment.sequenceId);
const isContact = eq(contact.id, sequenceEnrollment.contactId);
const isCompany = eq(company.id, sequenceEnrollment.companyId);

/** One page of the enrollments that match, each with its executions. */
export async function listSequenceEnrollments(
  db: Queryable,
  filters: SequenceEnrollmentFilters,
  request: PageRequest,
): Promise<Page<SequenceEnrollmentRow>> {
  const { search } = filters;
  const page = await readPage<Row, string>(request, {
    id: sequenceEnrollment.id,
    keys: {
      enrolled_at: { expression: sequenceEnrollment.enrolledAt, type: "timestamptz" },
    },
    where: matches(filters),
    ...(search === undefined ? {} : { choose: chooseFrom(sequenceEnrollment.id) }),
    whereNear: search === undefined ? undefined : and(isListed(filters), isAbout(search)),
    select: ({ where, orderBy, limit, sortValue }) =>
      orm(db)
        .select({ ...fields, sort_value: sortValue })
        .from(sequenceEnrollment)
        .innerJoin(emailSequence, isSequence)
        .innerJoin(contact, isContact)
        .leftJoin(company, isCompany)
        .where(where)
        .orderBy(...orderBy)
        .limit(limit),
    count: (where) => countEnrollments(db, where),
  });
  return { ...page, rows: await withExecutions(db, page.rows) };
}

/** The ids of those that match, if there are `max` at most. */
export function findMatchingEnrollments(
  db: Queryable,
  filters: SequenceEnrollmentFilters,
  max: number,
): Promise<Matching> {
  const where = matches(filters);
  return matchingIds(
    max,
    (limit) =>
      orm(db)
        .select({ id: sequenceEnrollment.id })
        .from(sequenceEnrollment)
        .innerJoin(contact, isContact)
        .leftJoin(company, isCompany)
        .where(where)
        .limit(limit),
    () => countEnrollments(db, where),
  );
}

function matches(filters: SequenceEnrollmentFilters): SQL | undefined {
  return and(
    isListed(filters),
    or(
      isOneContaining(filters.search, sequenceEnrollment.contactId, contactTexts),
      isOneContaining(filters.search, sequenceEnrollment.companyId, companyTexts),
    ),
  );
}

/** The search among a few enrollments: their people and companies are looked up all at once, which is cheaper than one by one. */
function isAbout(words: string): SQL {
  const { contactId, companyId } = sequenceEnrollment;
  return sql`(
    ${contactId} = any(array(
      select ${contact.id} from ${contact} where ${contact.id} = any(array(select ${contactId} from ${sequenceEnrollment}))
        and ${contains(words, contact.email, fullName)}))
    or ${companyId} = any(array(
      select ${company.id} from ${company} where ${company.id} = any(array(select ${companyId} from ${sequenceEnrollment}))
        and ${contains(words, company.name)})))`;
}

/** All filters but the search. */
function isListed(filters: SequenceEnrollmentFilters): SQL | undefined {
  return and(
    filters.status === undefined ? undefined : eq(sequenceEnrollment.status, filters.status),
    filters.sequence === undefined ? undefined : eq(sequenceEnrollment.sequenceId, filters.sequence),
    filters.contact === undefined ? undefined : eq(sequenceEnrollment.contactId, filters.contact),
    inRange(sequenceEnrollment.enrolledAt, "enrolled_at", filters),
  );
}

async function countEnrollments(db: Queryable, where: SQL | undefined): Promise<number> {
  const query = orm(db).select({ count: sql<number>`count(*)::int` }).from(sequenceEnrollment);
  const rows = await query.innerJoin(contact, isContact).leftJoin(company, isCompany).where(where);
  return rows[0]?.count ?? 0;
}

/** The enrollment with this id and its executions, if there is one. */
export async function findSequenceEnrollment(db: Queryable, id: string): Promise<SequenceEnrollmentRow | undefined> {
  return (await withExecutions(db, await findEnrollments(db, eq(sequenceEnrollment.id, id))))[0];
}

function findEnrollments(db: Queryable, where: SQL) {
  return orm(db)
    .select(fields)
    .from(sequenceEnrollment)
    .innerJoin(emailSequence, isSequence)
    .innerJoin(contact, isContact)
    .leftJoin(company, isCompany)
    .where(where);
}

async function withExecutions(db: Queryable, rows: readonly Row[]): Promise<SequenceEnrollmentRow[]> {
  const executions = await findExecutionsOfEnrollments(
    db,
    rows.map((row) => row.id),
  );
  return rows.map((row) => ({
    ...row,
    step_executions: executions.filter((execution) => execution.enrollment === row.id),
  }));
}
