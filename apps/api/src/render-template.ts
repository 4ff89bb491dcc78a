import type { TemplatePreviewInput } from "@dripline/contract/email-template-previews";
import type { Queryable } from "@dripline/db/database";
import { findEmailSequence } from "@dripline/db/queries/read-email-sequences";
import {
  type EmailTemplateVersionRow,
  findEmailTemplateVersion,
} from "@dripline/db/queries/read-email-template-versions";
import { findEmailTemplate } from "@dripline/db/queries/read-email-templates";
import { type EmailVariables, emailVariables } from "@dripline/engine/email-variables";
import { type RenderedEmail, renderEmail } from "@dripline/engine/render-email";
import type { Renderer } from "@dripline/mail/render";
import { notFound, unknownReferences } from "./problem-error.ts";
import { personOf } from "./routes/email-previews.ts";

export interface RenderedTemplate {
  readonly version: EmailTemplateVersionRow;
  readonly variables: EmailVariables;
  readonly email: RenderedEmail;
}

/** Stands for the name of a sequence where none is given. */
const anySequence = { name: "[sequence name]" };

/**
 * Renders one version of a template for somebody, as the worker would.
 * @throws ProblemError if the template, the version, the contact or the sequence does not exist
 */
export async function renderTemplate(
  db: Queryable,
  renderer: Renderer,
  templateId: string,
  asked: TemplatePreviewInput,
  { now, unsubscribeUrl }: { readonly now: Date; readonly unsubscribeUrl: string },
): Promise<RenderedTemplate> {
  const version = await versionOf(db, templateId, asked.version_number);
  const sequence = await sequenceOf(db, asked.sequence_id);
  const variables = emailVariables({ ...(await personOf(db, asked)), sequence }, unsubscribeUrl);
  const template = { versionId: version.id, subject: version.subject, html: version.html, text: version.text };
  return { version, variables, email: renderEmail(renderer, template, variables, now) };
}

async function versionOf(db: Queryable, templateId: string, number?: number): Promise<EmailTemplateVersionRow> {
  const version = await findEmailTemplateVersion(db, templateId, number);
  if (version !== undefined) return version;
  if (number === undefined || (await findEmailTemplate(db, templateId)) === undefined) {
    throw notFound("email template", templateId);
  }
  throw unknownReferences([{ pointer: "/version_number", what: "version", id: String(number) }]);
}

async function sequenceOf(db: Queryable, id?: string): Promise<{ readonly name: string }> {
  const sequence = id === undefined ? anySequence : await findEmailSequence(db, id);
  if (sequence === undefined) {
    throw unknownReferences([{ pointer: "/sequence_id", what: "sequence", id: String(id) }]);
  }
  return sequence;
}
