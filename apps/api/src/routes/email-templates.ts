import { createEmailTemplate, getEmailTemplate, listEmailTemplates } from "@dripline/contract/email-templates";
import { insertEmailTemplate } from "@dripline/db/queries/insert-email-template";
import * as templates from "@dripline/db/queries/read-email-templates";
import { compileTemplate, type TemplateProblem } from "@dripline/mail/compile-template";
import type { FastifyInstance } from "fastify";
import { pageBody, pageRequest } from "../cursor.ts";
import type { Deps } from "../deps.ts";
import { found, nameTaken, notFound, ProblemError } from "../problem-error.ts";
import { serve } from "../serve.ts";

export function serveEmailTemplates(app: FastifyInstance, deps: Deps): void {
  serve(app, deps, listEmailTemplates, async ({ db, query, url }) => {
    const page = await templates.listEmailTemplates(db, query, pageRequest(query));
    return pageBody(page, query, url, (template) => template);
  });

  serve(app, deps, getEmailTemplate, async ({ db, params }) => {
    const template = await templates.findEmailTemplate(db, params.id);
    if (template === undefined) throw notFound("email template", params.id);
    return template;
  });

  serve(app, deps, createEmailTemplate, async ({ tx, body, principal }) => {
    const { name, subject, mjml, text } = body;
    const compilation = await compileTemplate({ subject, mjml, ...(text === undefined ? {} : { text }) });
    if (!compilation.ok) throw doesNotCompile(compilation.problems);

    const createdBy = principal.apiKey.user?.id ?? null;
    const inserted = await insertEmailTemplate(tx, { name, mjml, ...compilation.template, createdBy });
    if (inserted.kind === "name_taken") throw nameTaken("email template", inserted.existingId);
    return found(await templates.findEmailTemplate(tx, inserted.id));
  });
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
