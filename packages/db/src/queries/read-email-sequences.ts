import type { SequenceStatus } from "@dripline/domain/statuses";
import { and, eq, type SQL, sql } from "drizzle-orm";
import { orm, type Queryable } from "../database.ts";
import { user } from "../schema/people.ts";
import { emailSequence, sequenceVersion } from "../schema/sequences.ts";
import { contains } from "./contains.ts";
import { type Page, type PageRequest, readPage } from "./keyset.ts";
import { type Matching, matchingIds } from "./matching.ts";
import { findStepsOfVersions, type SequenceStepRow } from "./read-sequence-steps.ts";

export interface EmailSequenceFilters {
  readonly status?: SequenceStatus | undefined;
  readonly search?: string | undefined;
}

const fields = {
  id: emailSequence.id,
  name: emailSequence.name,
  description: emailSequence.description,
  status: emailSequence.status,
  schedule: emailSequence.scheduleId,
  in_doubt_policy: emailSequence.inDoubtPolicy,
  sends_per_day_max: emailSequence.sendsPerDayMax,
  re_enrollment: emailSequence.reEnrollment,
  re_enrollment_cooldown: emailSequence.reEnrollmentCooldown,
  revision: emailSequence.revision,
  has_unpublished_changes: sql<boolean>`exists (
    select from sequence_version d where d.sequence_id = ${emailSequence.id} and d.published_at is null)`,
  version: sequenceVersion.versionNumber,
  version_id: sequenceVersion.id,
  active_enrollments: sql<number>`(
    select count(*)::int from sequence_enrollment n where n.sequence_id = ${emailSequence.id} and n.status = 'active')`,
  created_by: emailSequence.createdBy,
  created_by_name: user.name,
  created_at: emailSequence.createdAt,
  updated_at: emailSequence.updatedAt,
};

type Row = Awaited<ReturnType<typeof findSequences>>[number];
export type EmailSequenceRow = Row & { readonly steps: readonly SequenceStepRow[] };

const isCurrentVersion = and(
  eq(sequenceVersion.sequenceId, emailSequence.id),
  eq(sequenceVersion.versionNumber, emailSequence.currentVersionNumber),
);

/** One page of the sequences that match, each with the steps of its current version. */
export async function listEmailSequences(
  db: Queryable,
  filters: EmailSequenceFilters,
  request: PageRequest,
): Promise<Page<EmailSequenceRow>> {
  const page = await readPage<Row, string>(request, {
    id: emailSequence.id,
    keys: {
      created_at: { expression: emailSequence.id, type: "uuid" }, // UUIDv7: ids are in the order of creation
      name: { expression: sql`lower(${emailSequence.name})`, type: "text" },
    },
    where: matches(filters),
    select: ({ where, orderBy, limit, sortValue }) =>
      orm(db)
        .select({ ...fields, sort_value: sortValue })
        .from(emailSequence)
        .innerJoin(sequenceVersion, isCurrentVersion)
        .leftJoin(user, eq(user.id, emailSequence.createdBy))
        .where(where)
        .orderBy(...orderBy)
        .limit(limit),
    count: (where) => orm(db).$count(emailSequence, where),
  });
  return { ...page, rows: await withSteps(db, page.rows) };
}

/** The ids of those that match, if there are `max` at most. */
export function findMatchingSequences(db: Queryable, filters: EmailSequenceFilters, max: number): Promise<Matching> {
  const where = matches(filters);
  return matchingIds(
    max,
    (limit) => orm(db).select({ id: emailSequence.id }).from(emailSequence).where(where).limit(limit),
    () => orm(db).$count(emailSequence, where),
  );
}

function matches(filters: EmailSequenceFilters): SQL | undefined {
  return and(
    filters.status === undefined ? undefined : eq(emailSequence.status, filters.status),
    contains(filters.search, emailSequence.name, emailSequence.description),
  );
}

/** The sequence with this id and the steps of its current version, if there is one. */
export async function findEmailSequence(db: Queryable, id: string): Promise<EmailSequenceRow | undefined> {
  return (await withSteps(db, await findSequences(db, eq(emailSequence.id, id))))[0];
}

function findSequences(db: Queryable, where: SQL) {
  return orm(db)
    .select(fields)
    .from(emailSequence)
    .innerJoin(sequenceVersion, isCurrentVersion)
    .leftJoin(user, eq(user.id, emailSequence.createdBy))
    .where(where);
}

async function withSteps(db: Queryable, rows: readonly Row[]): Promise<EmailSequenceRow[]> {
  const steps = await findStepsOfVersions(
    db,
    rows.map((row) => row.version_id),
  );
  return rows.map((row) => ({ ...row, steps: steps.filter((step) => step.version_id === row.version_id) }));
}
