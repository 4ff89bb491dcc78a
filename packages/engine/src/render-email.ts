import type { RenderableTemplate, Renderer, RenderFailure } from "@dripline/mail/render";
import { type EmailFacts, emailVariables } from "./email-variables.ts";

export type RenderedEmail =
  | {
      readonly kind: "rendered";
      readonly subject: string;
      readonly html: string;
      readonly text: string;
      readonly variables: Readonly<Record<string, unknown>>;
    }
  /** It would go out with a hole in it: the worker holds it, a preview shows why. */
  | { readonly kind: "unrenderable"; readonly failure: RenderFailure };

/** Renders a template for one contact: what the worker sends and what a preview shows, so that they cannot differ. */
export function renderEmail(
  renderer: Renderer,
  template: RenderableTemplate,
  facts: EmailFacts,
  { unsubscribeUrl, now }: { readonly unsubscribeUrl: string; readonly now: Date },
): RenderedEmail {
  const variables = emailVariables(facts, unsubscribeUrl);
  const rendered = renderer.render(template, variables, now);
  if (!rendered.ok) return { kind: "unrenderable", failure: rendered.reason };
  const { html, text } = rendered;
  // Half a character (an emoji cut in two by a filter) can be sent but not stored: it becomes U+FFFD in both.
  return { kind: "rendered", subject: rendered.subject.toWellFormed(), html, text, variables };
}
