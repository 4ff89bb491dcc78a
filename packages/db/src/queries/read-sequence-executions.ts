import type { ExecutionStatus } from "@dripline/domain/statuses";
import { and, asc, eq, inArray, type SQL, sql } from "drizzle-orm";
import { orm, type Queryable } from "../database.ts";
import { executionEvent, sequenceEnrollment, stepExecution } from "../schema/journeys.ts";
import { contact } from "../schema/people.ts";
import { emailSequence, sequenceStep } from "../schema/sequences.ts";
import { type InstantRange, inRange } from "./in-range.ts";
import { chooseFrom, type Page, type PageRequest, readPage } from "./keyset.ts";

export interface SequenceExecutionFilters extends InstantRange<"scheduled_for"> {
  readonly status?: ExecutionStatus | undefined;
  readonly sequence?: string | undefined;
  readonly enrollment?: string | undefined;
  readonly step?: string | undefined;
  readonly contact?: string | undefined;
}

const fields = {
  id: stepExecution.id,
  sequence: emailSequence.id,
  sequence_name: emailSequence.name,
  enrollment: stepExecution.enrollmentId,
  step: stepExecution.stepId,
  step_name: sequenceStep.name,
  step_number: stepExecution.stepNumber,
  contact_email: contact.email,
  status: stepExecution.status,
  hold_reason: stepExecution.holdReason,
  due_at: stepExecution.dueAt,
  scheduled_for: stepExecution.scheduledFor,
  timezone: stepExecution.timezone,
  timezone_source: stepExecution.timezoneSource,
  sent_at: stepExecution.sentAt,
  attempt_count: stepExecution.attemptCount,
  smtp_code: stepExecution.smtpCode,
  enhanced_code: stepExecution.enhancedCode,
  error_message: stepExecution.errorMessage,
  email_log: stepExecution.emailLogId,
  message_id: stepExecution.messageId,
  in_doubt_policy: emailSequence.inDoubtPolicy,
  has_advanced: stepExecution.hasAdvanced,
};

export type SequenceExecutionRow = Awaited<ReturnType<typeof findExecutions>>[number];

const isStep = eq(sequenceStep.id, stepExecution.stepId);
const isEnrollment = eq(sequenceEnrollment.id, stepExecution.enrollmentId);
const isSequence = eq(emailSequence.id, sequenceEnrollment.sequenceId);
const isContact = eq(contact.id, sequenceEnrollment.contactId);

/** One page of the executions that match. */
export function listSequenceExecutions(
  db: Queryable,
  filters: SequenceExecutionFilters,
  request: PageRequest,
): Promise<Page<SequenceExecutionRow>> {
  const { sequence, step } = filters;
  const isListed = and(
    filters.status === undefined ? undefined : eq(stepExecution.status, filters.status),
    filters.enrollment === undefined ? undefined : eq(stepExecution.enrollmentId, filters.enrollment),
    isOfContact(filters.contact),
    inRange(stepExecution.scheduledFor, "scheduled_for", filters),
  );
  return readPage<SequenceExecutionRow, string>(request, {
    id: stepExecution.id,
    keys: {
      created_at: { expression: stepExecution.id, type: "uuid" }, // UUIDv7: ids are in the order of creation
      scheduled_for: { expression: stepExecution.scheduledFor, type: "timestamptz" },
    },
    where: isListed,
    choose: chooseFromSteps(sequence, step),
    select: ({ where, orderBy, limit, sortValue }) =>
      orm(db)
        .select({ ...fields, sort_value: sortValue })
        .from(stepExecution)
        .innerJoin(sequenceStep, isStep)
        .innerJoin(sequenceEnrollment, isEnrollment)
        .innerJoin(emailSequence, isSequence)
        .innerJoin(contact, isContact)
        .where(where)
        .orderBy(...orderBy)
        .limit(limit),
    count: async (where) => {
      const query = orm(db).select({ count: sql<number>`count(*)::int` }).from(stepExecution);
      const rows = await query
        .innerJoin(sequenceEnrollment, isEnrollment)
        .innerJoin(contact, isContact)
        .where(
          and(where, isOfSequence(sequence), step === undefined ? undefined : eq(stepExecution.stepKey, keyOf(step))),
        );
      return rows[0]?.count ?? 0;
    },
  });
}

/** By the executions' own column: what chooses a page knows no other table. */
function isOfContact(contactId: string | undefined): SQL | undefined {
  if (contactId === undefined) return undefined;
  return sql`${stepExecution.enrollmentId} in (select n.id from sequence_enrollment n where n.contact_id = ${contactId})`;
}

function isOfSequence(sequence: string | undefined): SQL | undefined {
  return sequence === undefined ? undefined : eq(sequenceEnrollment.sequenceId, sequence);
}

/** A step keeps its key through all versions of its sequence, where it has other ids. */
function keyOf(step: string): SQL {
  return sql`(select named.step_key from sequence_step named where named.id = ${step})`;
}

/**
 * A sequence has few steps, in all its versions together, and a step is in few versions: the next executions of each, by
 * the step's own index.
 */
function chooseFromSteps(sequence: string | undefined, step: string | undefined): ReturnType<typeof chooseFrom> {
  if (sequence === undefined && step === undefined) return chooseFrom(stepExecution.id);
  const isOne = and(
    sequence === undefined ? undefined : sql`v.sequence_id = ${sequence}`,
    step === undefined ? undefined : sql`st.step_key = ${keyOf(step)}`,
  );
  return ({ where, ...rest }) => {
    const ofStep = chooseFrom(stepExecution.id)({ ...rest, where: and(sql`${stepExecution.stepId} = st.id`, where) });
    return sql`
      select chosen.id from sequence_version v join sequence_step st on st.version_id = v.id
      cross join lateral (${ofStep}) chosen where ${isOne}`;
  };
}

/** The execution with this id, if there is one. */
export async function findSequenceExecution(db: Queryable, id: string): Promise<SequenceExecutionRow | undefined> {
  return (await findExecutions(db, eq(stepExecution.id, id)))[0];
}

/** All executions of these enrollments, in the order of their steps. */
export async function findExecutionsOfEnrollments(
  db: Queryable,
  enrollmentIds: readonly string[],
): Promise<SequenceExecutionRow[]> {
  return enrollmentIds.length === 0 ? [] : findExecutions(db, inArray(stepExecution.enrollmentId, [...enrollmentIds]));
}

/** What happened to an execution and why, oldest first. */
export function findExecutionEvents(db: Queryable, executionId: string) {
  return orm(db)
    .select({
      at: executionEvent.at,
      kind: executionEvent.kind,
      reason: executionEvent.reason,
      message: executionEvent.message,
      actor: executionEvent.actor,
    })
    .from(executionEvent)
    .where(eq(executionEvent.executionId, executionId))
    .orderBy(asc(executionEvent.at), asc(executionEvent.id));
}

function findExecutions(db: Queryable, where: SQL) {
  return orm(db)
    .select(fields)
    .from(stepExecution)
    .innerJoin(sequenceStep, isStep)
    .innerJoin(sequenceEnrollment, isEnrollment)
    .innerJoin(emailSequence, isSequence)
    .innerJoin(contact, isContact)
    .where(where)
    .orderBy(asc(stepExecution.stepNumber), asc(stepExecution.id));
}
