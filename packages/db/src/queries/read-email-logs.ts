import { and, eq, type SQL, sql } from "drizzle-orm";
import { orm, type Queryable } from "../database.ts";
import { emailTemplateVersion } from "../schema/content.ts";
import { emailLog, stepExecution } from "../schema/journeys.ts";
import { emailSequence } from "../schema/sequences.ts";
import { contains } from "./contains.ts";
import { type InstantRange, inRange } from "./in-range.ts";
import { chooseFrom, type Page, type PageRequest, readPage } from "./keyset.ts";

export interface EmailLogFilters extends InstantRange<"sent_at"> {
  readonly contact?: string | undefined;
  readonly execution?: string | undefined;
  readonly sequence?: string | undefined;
  readonly outcome?: "accepted" | "in_doubt" | undefined;
  readonly to_address?: string | undefined;
  readonly message_id?: string | undefined;
  readonly search?: string | undefined;
}

const fields = {
  id: emailLog.id,
  execution: emailLog.executionId,
  enrollment: stepExecution.enrollmentId,
  sequence: emailLog.sequenceId,
  sequence_name: emailSequence.name,
  contact: emailLog.contactId,
  message_id: emailLog.messageId,
  from_address: emailLog.fromAddress,
  to_address: emailLog.toAddress,
  subject: emailLog.subject,
  outcome: emailLog.outcome,
  response: emailLog.response,
  email_template: emailTemplateVersion.templateId,
  email_template_version: emailTemplateVersion.versionNumber,
  sent_at: emailLog.sentAt,
};

export type EmailLogRow = Awaited<ReturnType<typeof findEmailLogs>>[number];

const isExecution = eq(stepExecution.id, emailLog.executionId);
const isSequence = eq(emailSequence.id, emailLog.sequenceId);
const isVersion = eq(emailTemplateVersion.id, emailLog.templateVersionId);

/** One page of the emails that match. */
export function listEmailLogs(
  db: Queryable,
  filters: EmailLogFilters,
  request: PageRequest,
): Promise<Page<EmailLogRow>> {
  const isListed = and(
    filters.sequence === undefined ? undefined : eq(emailLog.sequenceId, filters.sequence),
    filters.contact === undefined ? undefined : eq(emailLog.contactId, filters.contact),
    filters.execution === undefined ? undefined : eq(emailLog.executionId, filters.execution),
    filters.outcome === undefined ? undefined : eq(emailLog.outcome, filters.outcome),
    filters.to_address === undefined ? undefined : sql`lower(${emailLog.toAddress}) = lower(${filters.to_address})`,
    filters.message_id === undefined ? undefined : eq(emailLog.messageId, filters.message_id),
    inRange(emailLog.sentAt, "sent_at", filters),
    contains(filters.search, emailLog.subject, emailLog.toAddress),
  );
  return readPage<EmailLogRow, string>(request, {
    id: emailLog.id,
    keys: { sent_at: { expression: emailLog.sentAt, type: "timestamptz" } },
    where: isListed,
    choose: chooseFrom(emailLog.id),
    select: ({ where, orderBy, limit, sortValue }) =>
      orm(db)
        .select({ ...fields, sort_value: sortValue })
        .from(emailLog)
        .leftJoin(stepExecution, isExecution)
        .leftJoin(emailSequence, isSequence)
        .leftJoin(emailTemplateVersion, isVersion)
        .where(where)
        .orderBy(...orderBy)
        .limit(limit),
    count: async (where) => {
      const rows = await orm(db).select({ count: sql<number>`count(*)::int` }).from(emailLog).where(where);
      return rows[0]?.count ?? 0;
    },
  });
}

/** The email with this id, if there is one. */
export async function findEmailLog(db: Queryable, id: string): Promise<EmailLogRow | undefined> {
  return (await findEmailLogs(db, eq(emailLog.id, id)))[0];
}

/** What an email was made from. `template` is null if that version is gone. Undefined if there is no such email. */
export async function findEmailSource(db: Queryable, id: string) {
  const rows = await orm(db)
    .select({
      messageId: emailLog.messageId,
      fromAddress: emailLog.fromAddress,
      toAddress: emailLog.toAddress,
      variables: emailLog.variables,
      composedAt: emailLog.composedAt,
      sentAt: emailLog.sentAt,
      sequenceId: emailLog.sequenceId,
      template: {
        versionId: emailTemplateVersion.id,
        subject: emailTemplateVersion.subject,
        html: emailTemplateVersion.html,
        text: emailTemplateVersion.text,
      },
    })
    .from(emailLog)
    .leftJoin(emailTemplateVersion, isVersion)
    .where(eq(emailLog.id, id));
  return rows[0];
}

function findEmailLogs(db: Queryable, where: SQL) {
  return orm(db)
    .select(fields)
    .from(emailLog)
    .leftJoin(stepExecution, isExecution)
    .leftJoin(emailSequence, isSequence)
    .leftJoin(emailTemplateVersion, isVersion)
    .where(where);
}
