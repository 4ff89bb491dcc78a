import { and, eq, sql } from "drizzle-orm";
import { orm, type Queryable } from "../database.ts";
import { emailTemplate, emailTemplateVersion } from "../schema/content.ts";
import { contains } from "./contains.ts";
import { type Page, type PageRequest, readPage } from "./keyset.ts";

export interface EmailTemplateFilters {
  readonly search?: string | undefined;
}

const summaryFields = {
  id: emailTemplate.id,
  name: emailTemplate.name,
  subject: emailTemplateVersion.subject,
  version: emailTemplateVersion.versionNumber,
  variables: emailTemplateVersion.variables,
  revision: emailTemplate.revision,
  created_at: emailTemplate.createdAt,
  updated_at: emailTemplate.updatedAt,
};

const fields = {
  ...summaryFields,
  mjml: emailTemplateVersion.mjml,
  html: emailTemplateVersion.html,
  text: emailTemplateVersion.text,
};

const isCurrentVersion = and(
  eq(emailTemplateVersion.templateId, emailTemplate.id),
  eq(emailTemplateVersion.versionNumber, emailTemplate.currentVersionNumber),
);

export type EmailTemplateRow = Awaited<ReturnType<typeof findEmailTemplates>>[number];
export type EmailTemplateSummaryRow = Omit<EmailTemplateRow, "mjml" | "html" | "text">;

/** One page of the templates that match, each with its current version, without bodies. */
export function listEmailTemplates(
  db: Queryable,
  filters: EmailTemplateFilters,
  request: PageRequest,
): Promise<Page<EmailTemplateSummaryRow>> {
  return readPage<EmailTemplateSummaryRow, string>(request, {
    id: emailTemplate.id,
    keys: {
      created_at: { expression: emailTemplate.id, type: "uuid" }, // UUIDv7: ids are in the order of creation
      name: { expression: sql`lower(${emailTemplate.name})`, type: "text" },
    },
    where: contains(filters.search, emailTemplate.name, emailTemplateVersion.subject),
    select: ({ where, orderBy, limit, sortValue }) =>
      orm(db)
        .select({ ...summaryFields, sort_value: sortValue })
        .from(emailTemplate)
        .innerJoin(emailTemplateVersion, isCurrentVersion)
        .where(where)
        .orderBy(...orderBy)
        .limit(limit),
    count: async (where) => {
      const query = orm(db).select({ count: sql<number>`count(*)::int` }).from(emailTemplate);
      const rows = await query.innerJoin(emailTemplateVersion, isCurrentVersion).where(where);
      return rows[0]?.count ?? 0;
    },
  });
}

/** The template with this id and its current version, if there is one. */
export async function findEmailTemplate(db: Queryable, id: string): Promise<EmailTemplateRow | undefined> {
  return (await findEmailTemplates(db, id))[0];
}

function findEmailTemplates(db: Queryable, id: string) {
  return orm(db)
    .select(fields)
    .from(emailTemplate)
    .innerJoin(emailTemplateVersion, isCurrentVersion)
    .where(eq(emailTemplate.id, id));
}
