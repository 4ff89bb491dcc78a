import {
  type EmailPreview,
  type PreviewPerson,
  type PreviewProblem,
  previewEmails,
} from "@dripline/contract/email-previews";
import type { Queryable } from "@dripline/db/database";
import { loadEmailContact, loadStepEmails, type StepEmail } from "@dripline/db/load-email-facts";
import { type EmailFacts, emailVariables } from "@dripline/engine/email-variables";
import { type RenderedEmail, renderEmail } from "@dripline/engine/render-email";
import type { Renderer, RenderFailure } from "@dripline/mail/render";
import type { FastifyInstance } from "fastify";
import type { Deps } from "../deps.ts";
import { unknownReferences } from "../problem-error.ts";
import { serve } from "../serve.ts";
import { versionOf } from "./send-plans.ts";

/** In place of the token that would opt somebody out: no signature begins like this, so the page knows nobody by it. */
export const previewUnsubscribePath = "/u/this-is-a-preview";

export function serveEmailPreviews(app: FastifyInstance, deps: Deps, renderer: Renderer): void {
  const unsubscribeUrl = `${deps.publicUrl}${previewUnsubscribePath}`;

  serve(app, deps, previewEmails, async ({ db, params, body, now }) => {
    const sequence = await versionOf(db, params.id, body.version);
    const facts = { ...(await personOf(db, body)), sequence };
    const variables = emailVariables(facts, unsubscribeUrl);
    const steps = await loadStepEmails(db, sequence.versionId);
    const results = steps.map((step) => toPreview(step, renderEmail(renderer, step.template, variables, now)));
    return { results };
  });
}

/** As whom an email is rendered. @throws ProblemError if there is no such contact */
export async function personOf(
  db: Queryable,
  { contact_id: id, contact }: PreviewPerson,
): Promise<Omit<EmailFacts, "sequence">> {
  if (contact !== undefined) {
    const { first_name: firstName, last_name: lastName, company, ...rest } = contact;
    return { contact: { ...rest, firstName, lastName }, company };
  }
  const known = id === undefined ? undefined : await loadEmailContact(db, id);
  if (known === undefined) throw unknownReferences([{ pointer: "/contact_id", what: "contact", id: String(id) }]);
  return known;
}

function toPreview({ stepNumber, stepName, isActive }: StepEmail, email: RenderedEmail): EmailPreview {
  const step = { step_number: stepNumber, step_name: stepName, is_active: isActive };
  if (email.kind === "rendered") {
    const { subject, html, text } = email;
    return { ...step, subject, html, text, problem: null };
  }
  return { ...step, subject: null, html: null, text: null, problem: toPreviewProblem(email.failure) };
}

export function toPreviewProblem({ code, message, part, variable }: RenderFailure): PreviewProblem {
  return { code, message, part, variable: variable ?? null };
}
