import * as operations from "@dripline/contract/email-template-versions";
import * as versions from "@dripline/db/queries/read-email-template-versions";
import { findEmailTemplate } from "@dripline/db/queries/read-email-templates";
import { updateEmailTemplate } from "@dripline/db/queries/update-email-template";
import type { FastifyInstance } from "fastify";
import { pageBody, pageRequest } from "../cursor.ts";
import type { Deps } from "../deps.ts";
import { found, notFound, ProblemError } from "../problem-error.ts";
import { serve } from "../serve.ts";
import { takeTemplate } from "./email-templates.ts";

export function serveEmailTemplateVersions(app: FastifyInstance, deps: Deps): void {
  serve(app, deps, operations.listEmailTemplateVersions, async ({ db, params: { id }, query, url }) => {
    if ((await findEmailTemplate(db, id)) === undefined) throw notFound("email template", id);
    const page = await versions.listEmailTemplateVersions(db, id, pageRequest(query));
    return pageBody(page, query, url, (version) => version);
  });

  serve(app, deps, operations.getEmailTemplateVersion, async ({ db, params }) => {
    const version = await versions.findEmailTemplateVersion(db, params.id, params.version_number);
    if (version === undefined) throw noSuchVersion(params.id, params.version_number);
    return version;
  });

  serve(app, deps, operations.restoreEmailTemplateVersion, async ({ tx, params, ifMatch, principal, now }) => {
    const template = await takeTemplate(tx, params.id, ifMatch);
    const version = await versions.findEmailTemplateVersion(tx, params.id, params.version_number);
    if (version === undefined) throw noSuchVersion(params.id, params.version_number);
    if (version.is_current) return template;

    // The HTML as it was compiled then: a newer compiler could make another email of the same MJML.
    const { subject, mjml, html, text, variables } = version;
    const content = { subject, mjml, html, text, variables, createdBy: principal.apiKey.user?.id ?? null };
    await updateEmailTemplate(tx, template.id, { name: template.name, content, now });
    return found(await findEmailTemplate(tx, template.id));
  });
}

/** @throws ProblemError `not_found` */
export function noSuchVersion(templateId: string, versionNumber: number): ProblemError {
  return new ProblemError(
    "not_found",
    `There is no email template ${templateId}, or it has no version ${versionNumber}.`,
  );
}
