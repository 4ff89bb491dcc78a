import type { Queryable } from "./database.ts";

/** What one version of a template says, before it is filled in for anybody. A version never changes. */
export interface TemplateContent {
  readonly versionId: string;
  readonly subject: string;
  readonly html: string;
  readonly text: string;
}

/** @throws when there is no such version; a step's template cannot be deleted, so that is a mistake in the caller */
export async function loadTemplateContent(db: Queryable, versionId: string): Promise<TemplateContent> {
  const { rows } = await db.query<{ id: string; subject: string; html: string; text: string }>({
    name: "load-template-content",
    text: "select id, subject, html, text from email_template_version where id = $1",
    values: [versionId],
  });
  const [row] = rows;
  if (row === undefined) throw new Error(`there is no version ${versionId} of a template`);
  return { versionId: row.id, subject: row.subject, html: row.html, text: row.text };
}
