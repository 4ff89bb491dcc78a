import type { Renderer } from "@dripline/mail/render";
import { renderEmail } from "./render-email.ts";

/** What was kept of a message that was handed over. */
export interface KeptEmail {
  readonly messageId: string;
  readonly fromAddress: string;
  readonly toAddress: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly composedAt: Date | null;
  readonly sentAt: Date;
  readonly sequenceId: string | null;
  /** null: that version is gone. */
  readonly template: {
    readonly versionId: string;
    readonly subject: string;
    readonly html: string;
    readonly text: string;
  } | null;
}

export type RenderedAgain =
  | {
      readonly kind: "rendered";
      readonly subject: string;
      readonly html: string;
      readonly text: string;
      readonly headers: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: "unavailable";
      readonly reason: "template_version_gone" | "not_renderable";
      readonly message: string;
    };

/** In place of the token that opts the recipient out: no signature begins like this, so the page knows nobody by it. */
const placeholder = "this-is-a-copy";

/**
 * A message as it was sent, from its template version and the values that were kept, with the headers that are known. Only
 * its unsubscribe link is another one: reading an email must not be enough to opt its recipient out.
 */
export function renderAgain(renderer: Renderer, email: KeptEmail): RenderedAgain {
  if (email.template === null) {
    const message = "The template version that this email was made from is gone, so it cannot be rendered again.";
    return { kind: "unavailable", reason: "template_version_gone", message };
  }
  const unsubscribeUrl = withoutToken(email.variables.unsubscribe_url);
  const variables = { ...email.variables, unsubscribe_url: unsubscribeUrl };
  const now = email.composedAt ?? email.sentAt;
  const rendered = renderEmail(renderer, email.template, variables, now);
  if (rendered.kind === "unrenderable") {
    const { message } = rendered.failure;
    return {
      kind: "unavailable",
      reason: "not_renderable",
      message: `The email cannot be rendered again from what was kept of it: ${message}.`,
    };
  }
  const { subject, html, text } = rendered;
  return { kind: "rendered", subject, html, text, headers: headersOf(email, subject, unsubscribeUrl) };
}

function headersOf(email: KeptEmail, subject: string, unsubscribeUrl: string | undefined): Record<string, string> {
  const domain = email.fromAddress.slice(email.fromAddress.lastIndexOf("@") + 1);
  return {
    From: email.fromAddress,
    To: mailbox(nameIn(email.variables), email.toAddress),
    Subject: subject,
    "Message-ID": email.messageId,
    ...(email.composedAt === null ? {} : { Date: email.composedAt.toUTCString().replace("GMT", "+0000") }),
    ...(unsubscribeUrl === undefined
      ? {}
      : { "List-Unsubscribe": `<${unsubscribeUrl}>`, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click" }),
    "Auto-Submitted": "auto-generated",
    ...(email.sequenceId === null ? {} : { "List-Id": `<${email.sequenceId}.${domain}>` }),
  };
}

function nameIn({ contact }: Readonly<Record<string, unknown>>): string {
  const name = (contact as { readonly name?: unknown } | undefined)?.name;
  return typeof name === "string" ? name : "";
}

function mailbox(name: string, address: string): string {
  return name === "" ? address : `${name} <${address}>`;
}

function withoutToken(url: unknown): string | undefined {
  return typeof url === "string" ? url.replace(/[^/]*$/, placeholder) : undefined;
}
