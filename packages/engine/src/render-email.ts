import type { RenderableTemplate, Renderer, RenderFailure } from "@dripline/mail/render";
import type { TextPiece } from "@dripline/mail/text-piece";

export type RenderedEmail =
  | {
      readonly kind: "rendered";
      readonly subject: string;
      readonly html: string;
      readonly htmlPieces: readonly TextPiece[];
      readonly text: string;
    }
  /** It would go out with a hole in it: the worker holds it, a preview shows why. */
  | { readonly kind: "unrenderable"; readonly failure: RenderFailure };

/**
 * Renders a template for one contact: what the worker sends and what a preview shows, so that they cannot differ.
 *
 * @param variables as `emailVariables` makes them
 * @param now what "now" is in the template
 */
export function renderEmail(
  renderer: Renderer,
  template: RenderableTemplate,
  variables: Readonly<Record<string, unknown>>,
  now: Date,
): RenderedEmail {
  const rendered = renderer.render(template, variables, now);
  if (!rendered.ok) return { kind: "unrenderable", failure: rendered.reason };
  const { html, htmlPieces, text } = rendered;
  // Half a character (an emoji cut in two by a filter) can be sent but not stored: it becomes U+FFFD in both.
  return { kind: "rendered", subject: rendered.subject.toWellFormed(), html, htmlPieces, text };
}
