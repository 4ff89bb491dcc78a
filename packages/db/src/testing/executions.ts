import { asc, eq } from "drizzle-orm";
import { orm, type Queryable } from "../database.ts";
import type { MessageSource } from "../message-source.ts";
import { newId } from "../new-id.ts";
import { executionEvent, sequenceEnrollment, stepExecution } from "../schema/journeys.ts";

/** Rows for the tests of the arrows: inserted in any state, not led there, so that each guard can be met alone. */

type Status = (typeof stepExecution.$inferSelect)["status"];

export interface MadeExecution {
  readonly executionId: string;
  readonly enrollmentId: string;
  readonly contactId: string;
  readonly sequence: MadeSequence;
}

interface MadeSequence {
  readonly id: string;
  readonly versionId: string;
  readonly stepIds: readonly string[];
}

/** The first step's execution of a new enrollment: `scheduled` and due for a minute, unless said otherwise. */
export async function insertExecution(
  db: Queryable,
  sequence: MadeSequence,
  contactId: string,
  values: Partial<typeof stepExecution.$inferInsert> = {},
  enrollment: Partial<typeof sequenceEnrollment.$inferInsert> = {},
): Promise<MadeExecution> {
  const enrollmentId = newId();
  const executionId = newId();
  const aMinuteAgo = new Date(Date.now() - 60_000);
  const [stepId] = sequence.stepIds;
  if (stepId === undefined) throw new Error("insertExecution: the sequence has no step");
  await orm(db)
    .insert(sequenceEnrollment)
    .values({
      id: enrollmentId,
      sequenceId: sequence.id,
      versionId: sequence.versionId,
      contactId,
      status: "active",
      enrolledAt: aMinuteAgo,
      ...enrollment,
    });
  await orm(db)
    .insert(stepExecution)
    .values({
      id: executionId,
      enrollmentId,
      stepId,
      stepKey: stepId,
      stepNumber: 1,
      countsFrom: aMinuteAgo,
      dueAt: aMinuteAgo,
      scheduledFor: aMinuteAgo,
      status: "scheduled",
      ...(values.status === "sending" || values.status === "in_doubt"
        ? await whatAClaimLeaves(db, executionId, stepId)
        : {}),
      ...whatTheStatusNeeds(values.status ?? "scheduled"),
      ...values,
    });
  return { executionId, enrollmentId, contactId, sequence };
}

/** The Message-ID and the source of the message. */
async function whatAClaimLeaves(
  db: Queryable,
  executionId: string,
  stepId: string,
): Promise<Partial<typeof stepExecution.$inferInsert>> {
  const { rows } = await db.query<{ id: string }>(
    "select v.id from sequence_step s join email_template_version v on v.template_id = s.template_id where s.id = $1",
    [stepId],
  );
  const messageSource = sourceOf(stepId, { templateVersionId: rows[0]?.id ?? "" });
  return { messageId: `<${executionId}@example.com>`, messageSource };
}

export function sourceOf(stepId: string, values: Partial<MessageSource> = {}): MessageSource {
  return {
    stepId,
    templateVersionId: newId(),
    from: { name: "Us", address: "us@example.com" },
    to: { name: "Ann", address: "ann@example.com" },
    subject: "Hello Ann",
    variables: { contact: { first_name: "Ann" }, unsubscribe_url: "https://example.com/u/1" },
    composedAt: "2026-03-02T19:59:59.000Z",
    ...values,
  };
}

/** The check constraints: a lease and a phase while `sending`, a reason while `pending`. */
function whatTheStatusNeeds(status: Status): Partial<typeof stepExecution.$inferInsert> {
  if (status === "sending") return { phase: "claimed", leaseUntil: new Date(Date.now() + 300_000) };
  if (status === "pending") return { holdReason: "enrollment_paused", heldAt: new Date() };
  return {};
}

const statuses: readonly Status[] = ["pending", "scheduled", "sending", "sent", "failed", "in_doubt", "skipped"];

/** Every status except the one that the arrow leaves. */
export function statusesOtherThan(...left: Status[]): Status[] {
  return statuses.filter((status) => !left.includes(status));
}

export async function readExecution(db: Queryable, executionId: string): Promise<typeof stepExecution.$inferSelect> {
  const [row] = await orm(db).select().from(stepExecution).where(eq(stepExecution.id, executionId));
  if (row === undefined) throw new Error(`readExecution: there is no execution ${executionId}`);
  return row;
}

/** All executions of an enrollment, by step number. */
export function readExecutions(
  db: Queryable,
  enrollmentId: string,
): Promise<readonly (typeof stepExecution.$inferSelect)[]> {
  return orm(db)
    .select()
    .from(stepExecution)
    .where(eq(stepExecution.enrollmentId, enrollmentId))
    .orderBy(asc(stepExecution.stepNumber));
}

export async function readEnrollment(
  db: Queryable,
  enrollmentId: string,
): Promise<typeof sequenceEnrollment.$inferSelect> {
  const [row] = await orm(db).select().from(sequenceEnrollment).where(eq(sequenceEnrollment.id, enrollmentId));
  if (row === undefined) throw new Error(`readEnrollment: there is no enrollment ${enrollmentId}`);
  return row;
}

/** The events of one execution without their ids, oldest first. */
export async function readEvents(db: Queryable, executionId: string) {
  const { at, kind, reason, message, actor } = executionEvent;
  return orm(db)
    .select({ at, kind, reason, message, actor })
    .from(executionEvent)
    .where(eq(executionEvent.executionId, executionId))
    .orderBy(asc(executionEvent.at), asc(executionEvent.id));
}

/** How long the lease still runs by the database's clock; negative when it is over. */
export async function leaseSecondsLeft(db: Queryable, executionId: string): Promise<number> {
  const { rows } = await db.query<{ left: number }>(
    "select extract(epoch from lease_until - clock_timestamp())::float8 as left from step_execution where id = $1",
    [executionId],
  );
  return rows[0]?.left ?? Number.NaN;
}

/** Whether some other connection to this database waits for a row that a transaction holds. */
export async function isSomebodyWaiting(db: Queryable): Promise<boolean> {
  const { rowCount } = await db.query(
    "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
  );
  return rowCount !== 0;
}
