import type { VersionStep } from "@dripline/domain/diff-versions";
import { and, eq, type SQL, sql } from "drizzle-orm";
import { orm, type Queryable } from "../database.ts";
import { user } from "../schema/people.ts";
import { emailSequence, sequenceVersion } from "../schema/sequences.ts";
import { type Page, type PageRequest, readPage } from "./keyset.ts";
import { findStepsOfVersions, isMeantBy, type SequenceStepRow, type VersionReference } from "./read-sequence-steps.ts";

const fields = {
  id: sequenceVersion.id,
  sequence: sequenceVersion.sequenceId,
  version: sequenceVersion.versionNumber,
  published_at: sequenceVersion.publishedAt,
  is_draft: sql<boolean>`${sequenceVersion.publishedAt} is null`,
  is_current: sql<boolean>`${sequenceVersion.versionNumber} = ${emailSequence.currentVersionNumber}`,
  total_steps: sql<number>`(
    select count(*)::int from sequence_step st where st.version_id = ${sequenceVersion.id})`,
  live_enrollments: sql<number>`(
    select count(*)::int from sequence_enrollment n
    where n.version_id = ${sequenceVersion.id} and n.status in ('active', 'paused'))`,
  created_by: sequenceVersion.createdBy,
  created_by_name: user.name,
  created_at: sequenceVersion.createdAt,
  /** Of the sequence. */
  revision: emailSequence.revision,
};

export type SequenceVersionRow = Awaited<ReturnType<typeof findVersions>>[number];

const isOfSequence = eq(emailSequence.id, sequenceVersion.sequenceId);

/** One page of a sequence's versions. */
export function listSequenceVersions(
  db: Queryable,
  sequenceId: string,
  request: PageRequest,
): Promise<Page<SequenceVersionRow>> {
  return readPage<SequenceVersionRow, string>(request, {
    id: sequenceVersion.id,
    keys: { version: { expression: sequenceVersion.versionNumber, type: "integer" } },
    where: eq(sequenceVersion.sequenceId, sequenceId),
    select: ({ where, orderBy, limit, sortValue }) =>
      orm(db)
        .select({ ...fields, sort_value: sortValue })
        .from(sequenceVersion)
        .innerJoin(emailSequence, isOfSequence)
        .leftJoin(user, eq(user.id, sequenceVersion.createdBy))
        .where(where)
        .orderBy(...orderBy)
        .limit(limit),
    count: (where) => orm(db).$count(sequenceVersion, where),
  });
}

/** One version of a sequence with its steps, in the order of their numbers. */
export interface SequenceVersionWithSteps extends SequenceVersionRow {
  readonly steps: readonly SequenceStepRow[];
}

/** The version that `which` means, if the sequence has it. */
export async function findSequenceVersion(
  db: Queryable,
  sequenceId: string,
  which: VersionReference,
): Promise<SequenceVersionWithSteps | undefined> {
  const [version] = await findVersions(db, and(eq(sequenceVersion.sequenceId, sequenceId), isMeantBy(which)));
  return version && { ...version, steps: await findStepsOfVersions(db, [version.id]) };
}

/** A step's row as the rules see it. */
export function toVersionStep(row: SequenceStepRow): VersionStep {
  return {
    id: row.id,
    key: row.step_key,
    stepNumber: row.step_number,
    name: row.name,
    templateId: row.email_template,
    templateName: row.email_template_name,
    delay: { value: row.delay_value, unit: row.delay_unit },
    maxLateness: row.max_lateness,
    latePolicy: row.late_policy,
    isActive: row.is_active,
  };
}

function findVersions(db: Queryable, where: SQL | undefined) {
  return orm(db)
    .select(fields)
    .from(sequenceVersion)
    .innerJoin(emailSequence, isOfSequence)
    .leftJoin(user, eq(user.id, sequenceVersion.createdBy))
    .where(where);
}
