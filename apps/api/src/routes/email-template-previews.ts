import { previewEmailTemplate, type TemplatePreview } from "@dripline/contract/email-template-previews";
import type { Renderer } from "@dripline/mail/render";
import type { FastifyInstance } from "fastify";
import type { Deps } from "../deps.ts";
import { type RenderedTemplate, renderTemplate } from "../render-template.ts";
import { serve } from "../serve.ts";
import { previewUnsubscribePath, toPreviewProblem } from "./email-previews.ts";

export function serveEmailTemplatePreviews(app: FastifyInstance, deps: Deps, renderer: Renderer): void {
  const unsubscribeUrl = `${deps.publicUrl}${previewUnsubscribePath}`;

  serve(app, deps, previewEmailTemplate, async ({ db, params, body, now }) => {
    return toPreview(await renderTemplate(db, renderer, params.id, body, { now, unsubscribeUrl }));
  });
}

function toPreview({ version, variables, email }: RenderedTemplate): TemplatePreview {
  const asked = version.variables.map((path) => [path, valueAt(variables, path)] as const);
  const about = { version_number: version.version_number, variables: Object.fromEntries(asked) };
  if (email.kind === "unrenderable") {
    return { ...about, subject: null, html: null, text: null, problem: toPreviewProblem(email.failure) };
  }
  const { subject, html, text } = email;
  return { ...about, subject, html, text, problem: null };
}

/** Of a path as Liquid writes it, `contact.attributes["plan"]` included. */
function valueAt(variables: unknown, path: string): unknown {
  const keys = path.match(/[^.[\]"']+/g) ?? [];
  const value = keys.reduce<unknown>(
    (inner, key) =>
      typeof inner === "object" && inner !== null && Object.hasOwn(inner, key)
        ? (inner as Record<string, unknown>)[key]
        : undefined,
    variables,
  );
  return value ?? null;
}
