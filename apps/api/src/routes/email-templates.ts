import * as operations from "@dripline/contract/email-templates";
import type { Queryable } from "@dripline/db/database";
import * as deleting from "@dripline/db/queries/delete-email-template";
import { insertEmailTemplate } from "@dripline/db/queries/insert-email-template";
import * as templates from "@dripline/db/queries/read-email-templates";
import * as changing from "@dripline/db/queries/update-email-template";
import { compileTemplate, type TemplateProblem, type TemplateSource } from "@dripline/mail/compile-template";
import { deriveText } from "@dripline/mail/derive-text";
import type { FastifyInstance } from "fastify";
import { pageBody, pageRequest } from "../cursor.ts";
import type { Deps } from "../deps.ts";
import type { IfMatch } from "../if-match.ts";
import { found, inUse, nameTaken, notFound, ProblemError } from "../problem-error.ts";
import { serve } from "../serve.ts";
import { takeForEdit } from "../take-for-edit.ts";

export function serveEmailTemplates(app: FastifyInstance, deps: Deps): void {
  serve(app, deps, operations.listEmailTemplates, async ({ db, query, url }) => {
    const page = await templates.listEmailTemplates(db, query, pageRequest(query));
    return pageBody(page, query, url, (template) => template);
  });

  serve(app, deps, operations.getEmailTemplate, async ({ db, params }) => {
    const template = await templates.findEmailTemplate(db, params.id);
    if (template === undefined) throw notFound("email template", params.id);
    return template;
  });

  serve(app, deps, operations.createEmailTemplate, async ({ tx, body, principal }) => {
    const { name, subject, mjml, text } = body;
    const compiled = await compile({ subject, mjml, ...(text === undefined ? {} : { text }) });
    const createdBy = principal.apiKey.user?.id ?? null;
    const inserted = await insertEmailTemplate(tx, { name, ...compiled, createdBy });
    if (inserted.kind === "name_taken") throw nameTaken("email template", inserted.existingId);
    return found(await templates.findEmailTemplate(tx, inserted.id));
  });

  serve(app, deps, operations.replaceEmailTemplate, async ({ tx, params: { id }, body, ifMatch, principal, now }) => {
    const template = await takeTemplate(tx, id, ifMatch);
    const edited = { text: null, ...body };
    return edit(tx, template, edited, { now, createdBy: principal.apiKey.user?.id ?? null });
  });

  serve(app, deps, operations.updateEmailTemplate, async ({ tx, params: { id }, body, ifMatch, principal, now }) => {
    const template = await takeTemplate(tx, id, ifMatch);
    return edit(tx, template, body, { now, createdBy: principal.apiKey.user?.id ?? null });
  });

  serve(app, deps, operations.deleteEmailTemplate, async ({ tx, params: { id }, ifMatch, addToAudit }) => {
    const { name } = await takeTemplate(tx, id, ifMatch);
    const deleted = await deleting.deleteEmailTemplate(tx, id);
    if (deleted.kind === "in_use") {
      const { sequences } = deleted;
      const names = sequences.map(({ name }) => name).join(", ");
      throw inUse(
        `Steps of sequences have it, in this or an earlier version (${names}). Rename it, if it is not to be used again.`,
        ["sequence-steps"],
        { sequences },
      );
    }
    addToAudit({ name });
    return { id };
  });
}

/** The template with its current version, locked for an edit. @throws ProblemError */
export async function takeTemplate(tx: Queryable, id: string, ifMatch: IfMatch): Promise<templates.EmailTemplateRow> {
  await takeForEdit(tx, "email_template", id, ifMatch);
  return found(await templates.findEmailTemplate(tx, id));
}

/** A new name is written as it is, a new content as a new version; what stays the same makes none. */
async function edit(
  tx: Queryable,
  template: templates.EmailTemplateRow,
  { name = template.name, ...changes }: operations.EmailTemplatePatch,
  { now, createdBy }: { readonly now: Date; readonly createdBy: string | null },
): Promise<templates.EmailTemplateRow> {
  const source = sourceWith(template, changes);
  const compiled = source && (await compile(source));
  const isSame =
    compiled === undefined ||
    (["subject", "mjml", "text"] as const).every((field) => compiled[field] === template[field]);
  const content = isSame ? null : { ...compiled, createdBy };
  const updated = await changing.updateEmailTemplate(tx, template.id, { name, content, now });
  if (updated.kind === "name_taken") throw nameTaken("email template", updated.existingId);
  return found(await templates.findEmailTemplate(tx, template.id));
}

/** What is to be compiled; undefined if the changes do not touch the content. */
function sourceWith(
  template: templates.EmailTemplateRow,
  changes: Omit<operations.EmailTemplatePatch, "name">,
): TemplateSource | undefined {
  if (Object.keys(changes).length === 0) return undefined;
  const { subject = template.subject, mjml = template.mjml } = changes;
  // Whether the text was written or made is not kept: made again from the same HTML it is the same.
  const text = changes.text === undefined && deriveText(template.html) !== template.text ? template.text : changes.text;
  return { subject, mjml, ...(text === undefined || text === null ? {} : { text }) };
}

/** @throws ProblemError `template_invalid` */
async function compile(source: TemplateSource) {
  const compilation = await compileTemplate(source);
  if (!compilation.ok) throw doesNotCompile(compilation.problems);
  return { mjml: source.mjml, ...compilation.template };
}

function doesNotCompile(problems: readonly TemplateProblem[]): ProblemError {
  const [first] = problems;
  const detail =
    first === undefined
      ? "The template does not compile."
      : `The template does not compile: ${first.field}, line ${first.line}, column ${first.column}: ${first.message}`;
  return new ProblemError("template_invalid", detail, {
    errors: problems.map(({ field, code, message, line, column }) => ({
      pointer: `/${field}`,
      code,
      detail: `line ${line}, column ${column}: ${message}`,
      line,
      column,
    })),
  });
}
