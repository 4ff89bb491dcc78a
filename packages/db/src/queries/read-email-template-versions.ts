import { and, eq, type SQL, sql } from "drizzle-orm";
import { orm, type Queryable } from "../database.ts";
import { emailTemplate, emailTemplateVersion } from "../schema/content.ts";
import { user } from "../schema/people.ts";
import { type Page, type PageRequest, readPage } from "./keyset.ts";

const summaryFields = {
  id: emailTemplateVersion.id,
  email_template: emailTemplateVersion.templateId,
  version_number: emailTemplateVersion.versionNumber,
  subject: emailTemplateVersion.subject,
  variables: emailTemplateVersion.variables,
  is_current: sql<boolean>`${emailTemplateVersion.versionNumber} = ${emailTemplate.currentVersionNumber}`,
  created_by: emailTemplateVersion.createdBy,
  created_by_name: user.name,
  created_at: emailTemplateVersion.createdAt,
};

const fields = {
  ...summaryFields,
  mjml: emailTemplateVersion.mjml,
  html: emailTemplateVersion.html,
  text: emailTemplateVersion.text,
};

export type EmailTemplateVersionRow = Awaited<ReturnType<typeof findVersions>>[number];
type SummaryRow = Omit<EmailTemplateVersionRow, "mjml" | "html" | "text">;

/** One page of a template's versions, without bodies. */
export function listEmailTemplateVersions(
  db: Queryable,
  templateId: string,
  request: PageRequest,
): Promise<Page<SummaryRow>> {
  return readPage<SummaryRow, string>(request, {
    id: emailTemplateVersion.id,
    keys: { version_number: { expression: emailTemplateVersion.versionNumber, type: "integer" } },
    where: eq(emailTemplateVersion.templateId, templateId),
    select: ({ where, orderBy, limit, sortValue }) =>
      orm(db)
        .select({ ...summaryFields, sort_value: sortValue })
        .from(emailTemplateVersion)
        .innerJoin(emailTemplate, eq(emailTemplate.id, emailTemplateVersion.templateId))
        .leftJoin(user, eq(user.id, emailTemplateVersion.createdBy))
        .where(where)
        .orderBy(...orderBy)
        .limit(limit),
    count: (where) => orm(db).$count(emailTemplateVersion, where),
  });
}

/** One version of a template; without a number the one that the next email uses. Undefined if there is none. */
export async function findEmailTemplateVersion(
  db: Queryable,
  templateId: string,
  versionNumber?: number,
): Promise<EmailTemplateVersionRow | undefined> {
  const number = versionNumber ?? emailTemplate.currentVersionNumber;
  const isIt = and(eq(emailTemplate.id, templateId), eq(emailTemplateVersion.versionNumber, number));
  return isIt && (await findVersions(db, isIt))[0];
}

function findVersions(db: Queryable, where: SQL) {
  return orm(db)
    .select(fields)
    .from(emailTemplateVersion)
    .innerJoin(emailTemplate, eq(emailTemplate.id, emailTemplateVersion.templateId))
    .leftJoin(user, eq(user.id, emailTemplateVersion.createdBy))
    .where(where);
}
