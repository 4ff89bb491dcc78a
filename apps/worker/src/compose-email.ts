import type { ExecutionFacts } from "@dripline/db/load-facts";
import { renderEmail } from "@dripline/engine/render-email";
import { composeMessage } from "@dripline/mail/compose";
import { messageIdFor } from "@dripline/mail/message-id";
import type { OutgoingMessage } from "@dripline/mail/transport";
import { unsubscribeToken } from "@dripline/mail/unsubscribe-token";
import type { SendDeps } from "./send-deps.ts";

export type ComposedEmail = {
  readonly kind: "composed";
  readonly message: OutgoingMessage;
  readonly subject: string;
  readonly variables: Readonly<Record<string, unknown>>;
};

export type UnrenderableEmail = {
  readonly kind: "unrenderable";
  readonly reason: string;
  readonly message: string;
};

/** Renders this step's template for this contact and builds the message. A missing variable is an answer, not a hole. */
export async function composeEmail(deps: SendDeps, facts: ExecutionFacts): Promise<ComposedEmail | UnrenderableEmail> {
  const unsubscribeUrl = `${deps.publicUrl}/u/${unsubscribeToken(facts.execution.id, deps.secret)}`;
  const rendered = renderEmail(deps.renderer, facts.template, facts, { unsubscribeUrl, now: deps.now() });
  if (rendered.kind === "unrenderable") {
    return { kind: "unrenderable", reason: rendered.failure.code, message: rendered.failure.message };
  }
  const { subject, variables } = rendered;
  try {
    const message = await composeMessage(messageParts(deps, facts, rendered, unsubscribeUrl));
    return { kind: "composed", message, subject, variables };
  } catch (error) {
    // An address or a sender that no message can be built with: it will not get better by trying again.
    const message = error instanceof Error ? error.message : String(error);
    return { kind: "unrenderable", reason: "message_invalid", message: `The message cannot be built: ${message}` };
  }
}

function messageParts(
  deps: SendDeps,
  facts: ExecutionFacts,
  rendered: { readonly subject: string; readonly html: string; readonly text: string },
  unsubscribeUrl: string,
): Parameters<typeof composeMessage>[0] {
  const domain = deps.from.address.slice(deps.from.address.lastIndexOf("@") + 1);
  return {
    messageId: messageIdFor(facts.execution.id, domain, deps.secret),
    date: deps.now(),
    from: deps.from,
    to: { name: fullName(facts), address: facts.contact.email },
    subject: rendered.subject,
    html: rendered.html,
    text: rendered.text,
    unsubscribeUrl,
    listId: `${facts.sequence.id}.${domain}`,
  };
}

function fullName({ contact }: ExecutionFacts): string {
  return `${contact.firstName} ${contact.lastName}`.trim();
}
