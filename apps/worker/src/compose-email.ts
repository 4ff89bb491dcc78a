import type { ExecutionFacts } from "@dripline/db/load-facts";
import type { TemplateContent } from "@dripline/db/load-template-content";
import type { MessageSource } from "@dripline/db/message-source";
import { emailVariables } from "@dripline/engine/email-variables";
import { type RenderedEmail, renderEmail } from "@dripline/engine/render-email";
import { composeMessage } from "@dripline/mail/compose";
import { messageIdFor } from "@dripline/mail/message-id";
import type { OutgoingMessage } from "@dripline/mail/transport";
import { unsubscribeToken } from "@dripline/mail/unsubscribe-token";
import type { SendDeps } from "./send-deps.ts";

export type ComposedEmail = {
  readonly kind: "composed";
  readonly message: OutgoingMessage;
  /** What it was made from: the claim keeps it for further attempts. */
  readonly source: MessageSource;
};

export type UnrenderableEmail = {
  readonly kind: "unrenderable";
  readonly reason: string;
  readonly message: string;
};

/**
 * Renders this step's template for this contact and builds the message: after the first attempt from what that one was
 * made from, so that all attempts have the same bytes. A missing variable is an answer, not a hole.
 */
export async function composeEmail(
  deps: SendDeps,
  facts: ExecutionFacts,
  template: TemplateContent,
): Promise<ComposedEmail | UnrenderableEmail> {
  const origin = facts.execution.messageSource ?? newOrigin(deps, facts);
  const rendered = renderEmail(deps.renderer, template, origin.variables, new Date(origin.composedAt));
  if (rendered.kind === "unrenderable") {
    return { kind: "unrenderable", reason: rendered.failure.code, message: rendered.failure.message };
  }
  const source = { ...origin, subject: rendered.subject };
  try {
    const message = await composeMessage(messageParts(deps, facts, rendered, source));
    return { kind: "composed", message, source };
  } catch (error) {
    // An address or a sender that no message can be built with: it will not get better by trying again.
    const message = error instanceof Error ? error.message : String(error);
    return { kind: "unrenderable", reason: "message_invalid", message: `The message cannot be built: ${message}` };
  }
}

function newOrigin(deps: SendDeps, facts: ExecutionFacts): Omit<MessageSource, "subject"> {
  const unsubscribeUrl = `${deps.publicUrl}/u/${unsubscribeToken(facts.execution.id, deps.secret)}`;
  return {
    stepId: facts.execution.stepId,
    templateVersionId: facts.template.versionId,
    from: deps.from,
    to: { name: fullName(facts), address: facts.contact.email },
    variables: emailVariables(facts, unsubscribeUrl),
    composedAt: deps.now().toISOString(),
  };
}

function messageParts(
  deps: SendDeps,
  { execution, sequence }: ExecutionFacts,
  rendered: Extract<RenderedEmail, { readonly kind: "rendered" }>,
  { from, to, variables, composedAt }: MessageSource,
): Parameters<typeof composeMessage>[0] {
  const domain = from.address.slice(from.address.lastIndexOf("@") + 1);
  return {
    messageId: execution.messageId ?? messageIdFor(execution.id, domain, deps.secret),
    date: new Date(composedAt),
    from,
    to,
    subject: rendered.subject,
    html: rendered.htmlPieces,
    text: rendered.text,
    unsubscribeUrl: variables.unsubscribe_url,
    listId: `${sequence.id}.${domain}`,
  };
}

function fullName({ contact }: ExecutionFacts): string {
  return `${contact.firstName} ${contact.lastName}`.trim();
}
