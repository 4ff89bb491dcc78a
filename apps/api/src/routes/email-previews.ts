import { type EmailPreview, type PreviewInput, previewEmails } from "@dripline/contract/email-previews";
import type { Queryable } from "@dripline/db/database";
import { loadEmailContact, loadStepEmails, type StepEmail } from "@dripline/db/load-email-facts";
import { type EmailFacts, emailVariables } from "@dripline/engine/email-variables";
import { type RenderedEmail, renderEmail } from "@dripline/engine/render-email";
import { createRenderer } from "@dripline/mail/render";
import type { FastifyInstance } from "fastify";
import type { Deps } from "../deps.ts";
import { unknownReferences } from "../problem-error.ts";
import { serve } from "../serve.ts";
import { versionOf } from "./send-plans.ts";

/** In place of the token that would opt somebody out: no signature begins like this, so the page knows nobody by it. */
const placeholder = "this-is-a-preview";

export function serveEmailPreviews(app: FastifyInstance, deps: Deps): void {
  const renderer = createRenderer();
  const unsubscribeUrl = `${deps.publicUrl}/u/${placeholder}`;

  serve(app, deps, previewEmails, async ({ db, params, body, now }) => {
    const sequence = await versionOf(db, params.id, body.version);
    const facts = { ...(await personOf(db, body)), sequence };
    const variables = emailVariables(facts, unsubscribeUrl);
    const steps = await loadStepEmails(db, sequence.versionId);
    const results = steps.map((step) => toPreview(step, renderEmail(renderer, step.template, variables, now)));
    return { results };
  });
}

async function personOf(
  db: Queryable,
  { contact_id: id, contact }: PreviewInput,
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
  const { code, message, part, variable = null } = email.failure;
  return { ...step, subject: null, html: null, text: null, problem: { code, message, part, variable } };
}
