import { and, asc, eq, inArray, type SQL, sql } from "drizzle-orm";
import { orm, type Queryable } from "../database.ts";
import { emailTemplate } from "../schema/content.ts";
import { emailSequence, sequenceStep, sequenceVersion } from "../schema/sequences.ts";
import { contains } from "./contains.ts";
import { type Page, type PageRequest, readPage, type Sorted } from "./keyset.ts";

export interface SequenceStepFilters {
  readonly sequence?: string | undefined;
  /** The current one if left out. */
  readonly version?: number | "draft" | undefined;
  readonly is_active?: boolean | undefined;
  readonly search?: string | undefined;
}

const fields = {
  id: sequenceStep.id,
  sequence: sequenceVersion.sequenceId,
  version_id: sequenceStep.versionId,
  version: sequenceVersion.versionNumber,
  is_draft: sql<boolean>`${sequenceVersion.publishedAt} is null`,
  step_key: sequenceStep.stepKey,
  step_number: sequenceStep.stepNumber,
  name: sequenceStep.name,
  email_template: sequenceStep.templateId,
  email_template_name: emailTemplate.name,
  delay_value: sequenceStep.delayValue,
  delay_unit: sequenceStep.delayUnit,
  max_lateness: sequenceStep.maxLateness,
  late_policy: sequenceStep.latePolicy,
  is_active: sequenceStep.isActive,
  created_at: sequenceStep.createdAt,
  updated_at: sequenceStep.updatedAt,
  /** Of the sequence. */
  revision: emailSequence.revision,
};

export type SequenceStepRow = Awaited<ReturnType<typeof findSteps>>[number];

const isOfVersion = eq(sequenceVersion.id, sequenceStep.versionId);
const isOfSequence = eq(emailSequence.id, sequenceVersion.sequenceId);
const isTemplate = eq(emailTemplate.id, sequenceStep.templateId);

/** One page of the matching steps: of all current versions, unless another one is asked for. */
export function listSequenceSteps(
  db: Queryable,
  filters: SequenceStepFilters,
  request: PageRequest,
): Promise<Page<SequenceStepRow>> {
  return readPage<SequenceStepRow, string>(request, {
    id: sequenceStep.id,
    keys: {
      step_number: { expression: sequenceStep.stepNumber, type: "integer" },
      created_at: { expression: sequenceStep.id, type: "uuid" }, // UUIDv7: ids are in the order of creation
    },
    where: and(
      isMeantBy(filters.version ?? "current"),
      filters.sequence === undefined ? undefined : eq(sequenceVersion.sequenceId, filters.sequence),
      filters.is_active === undefined ? undefined : eq(sequenceStep.isActive, filters.is_active),
      contains(filters.search, sequenceStep.name),
    ),
    select: ({ where, orderBy, limit, sortValue }): Promise<Sorted<SequenceStepRow>[]> =>
      orm(db)
        .select({ ...fields, sort_value: sortValue })
        .from(sequenceStep)
        .innerJoin(sequenceVersion, isOfVersion)
        .innerJoin(emailSequence, isOfSequence)
        .innerJoin(emailTemplate, isTemplate)
        .where(where)
        .orderBy(...orderBy)
        .limit(limit),
    count: async (where) => {
      const rows = await orm(db)
        .select({ count: sql<number>`count(*)::int` })
        .from(sequenceStep)
        .innerJoin(sequenceVersion, isOfVersion)
        .innerJoin(emailSequence, isOfSequence)
        .where(where);
      return rows[0]?.count ?? 0;
    },
  });
}

/** A version's number, or the word for the one that is meant. */
export type VersionReference = number | "draft" | "current";

/** What a version reference selects, in a statement over sequence_version and email_sequence. */
export function isMeantBy(which: VersionReference): SQL {
  if (which === "draft") return sql`${sequenceVersion.publishedAt} is null`;
  if (which === "current") return sql`${sequenceVersion.versionNumber} = ${emailSequence.currentVersionNumber}`;
  return eq(sequenceVersion.versionNumber, which);
}

/** The step with this id, of whatever version, if there is one. */
export async function findSequenceStep(db: Queryable, id: string): Promise<SequenceStepRow | undefined> {
  return (await findSteps(db, eq(sequenceStep.id, id)))[0];
}

/** All steps of these versions, in the order of their numbers. */
export async function findStepsOfVersions(db: Queryable, versionIds: readonly string[]): Promise<SequenceStepRow[]> {
  return versionIds.length === 0 ? [] : findSteps(db, inArray(sequenceStep.versionId, [...versionIds]));
}

function findSteps(db: Queryable, where: SQL) {
  return orm(db)
    .select(fields)
    .from(sequenceStep)
    .innerJoin(sequenceVersion, isOfVersion)
    .innerJoin(emailSequence, isOfSequence)
    .innerJoin(emailTemplate, isTemplate)
    .where(where)
    .orderBy(asc(sequenceStep.stepNumber));
}
