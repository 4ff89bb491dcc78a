import type { Liquid, LiquidError } from "liquidjs";
import { createLiquid, describeError, type LiquidFlavour, NothingToPrint, nowKey, parseLiquid } from "./liquid.ts";
import { planRendering, type RenderPlan, renderPieces } from "./render-plan.ts";
import { type TextPiece, textOf } from "./text-piece.ts";

/** What `compileTemplate` made, under the id of the immutable version that it was stored as. */
export type RenderableTemplate = { versionId: string; subject: string; html: string; text: string };

export type RenderFailure = {
  code: "missing_variable" | "render_failed";
  /** The variable that has no value, e.g. "contact.first_name". */
  variable?: string;
  part: Part;
  message: string;
  /** In the compiled part, not in the user's MJML. */
  line?: number;
  column?: number;
};

export type Rendering =
  | {
      ok: true;
      subject: string;
      html: string;
      /** The same as `html`; those that every message of the template has are the same objects each time. */
      htmlPieces: readonly TextPiece[];
      text: string;
    }
  | { ok: false; reason: RenderFailure };

export type Renderer = {
  /**
   * Fills a template in for one contact. `undefined` and `null` are missing, and a missing variable is a failure that
   * names it, never a hole; `{{ x | default: "there" }}` and `{% if x %}` accept one. An empty string is a value.
   * The HTML part is escaped. The subject is one line. The same arguments give the same result.
   *
   * @param now what `"now"` means in a date filter; without it such a template fails to render
   */
  render(template: RenderableTemplate, variables: Record<string, unknown>, now?: Date): Rendering;
};

// A parsed template is some 10 times its source: 200 of 50 KB are about 100 MB at worst, and few installs have so many.
const versionsMax = 200;
// Three times what Gmail shows; a loop that makes more is a mistake.
const charactersMax = 2_000_000;

type Part = "subject" | "html" | "text";

type ParsedTemplate = Record<Part, RenderPlan>;

/** A renderer keeps the parsed form of the versions used last; make one per process. */
export function createRenderer(): Renderer {
  const engines: Record<LiquidFlavour, Liquid> = { html: createLiquid("html"), text: createLiquid("text") };
  const cache = new Map<string, ParsedTemplate>();

  function parsed(template: RenderableTemplate): ParsedTemplate | RenderFailure {
    const known = cache.get(template.versionId);
    if (known !== undefined) {
      // Moved to the end: the first key is the one unused for longest.
      cache.delete(template.versionId);
      cache.set(template.versionId, known);
      return known;
    }
    const fresh: ParsedTemplate = { subject: [], html: [], text: [] };
    for (const part of ["subject", "html", "text"] as const) {
      const engine = engines[part === "html" ? "html" : "text"];
      const result = parseLiquid(engine, template[part]);
      if (!result.ok) {
        const { message, line, column } = result.problem;
        return { code: "render_failed", part, message, line, column };
      }
      fresh[part] = planRendering(engine, template[part], result.templates);
    }
    cache.set(template.versionId, fresh);
    const oldest = cache.keys().next().value;
    if (cache.size > versionsMax && oldest !== undefined) cache.delete(oldest);
    return fresh;
  }

  return {
    render(template, variables, now) {
      const templates = parsed(template);
      if ("code" in templates) return { ok: false, reason: templates };
      const scope = known(variables);
      const globals = now === undefined ? {} : { [nowKey]: now };
      const pieces: Record<Part, readonly TextPiece[]> = { subject: [], html: [], text: [] };
      const parts = { subject: "", html: "", text: "" };
      for (const part of ["subject", "html", "text"] as const) {
        try {
          const engine = engines[part === "html" ? "html" : "text"];
          pieces[part] = renderPieces(engine, templates[part], scope, globals);
          parts[part] = textOf(pieces[part]);
          if (parts[part].length > charactersMax) throw new Error(`longer than ${charactersMax} characters`);
        } catch (error) {
          return { ok: false, reason: failureOf(error, part) };
        }
      }
      const subject = parts.subject.replace(/\s+/g, " ").trim();
      if (subject === "") {
        return { ok: false, reason: { code: "render_failed", part: "subject", message: "the subject came out empty" } };
      }
      return { ok: true, subject, html: parts.html, htmlPieces: pieces.html, text: tidy(parts.text) };
    },
  };
}

function failureOf(error: unknown, part: RenderFailure["part"]): RenderFailure {
  const where = describeError(error);
  const { originalError, token } = error as Partial<LiquidError> & { originalError?: { variableName?: string } };
  const variable =
    originalError instanceof NothingToPrint ? expressionOf(token?.getText()) : originalError?.variableName;
  if (variable === undefined) return { code: "render_failed", part, ...where };
  return { code: "missing_variable", variable, part, ...where, message: `there is no value for ${variable}` };
}

// "{{ items | first }}": what was to be printed is named by what it started from.
function expressionOf(tag: string | undefined): string | undefined {
  return /^\{[{%]-?\s*(?:echo\s+)?(.*?)\s*(?:\||-?[%}]\})/s.exec(tag ?? "")?.[1];
}

/**
 * A copy of plain data without anything that is not known. `null` goes as `undefined` does, or a contact without a first
 * name would be greeted "Hello ,". Functions go too: Liquid would call them.
 */
function known(value: Record<string, unknown>): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) {
    const kept = knownValue(inner);
    // "__proto__" would set the prototype of the copy instead of a field.
    if (kept !== undefined && key !== "__proto__") copy[key] = kept;
  }
  return copy;
}

function knownValue(value: unknown): unknown {
  if (value === null || typeof value === "function" || typeof value === "symbol") return undefined;
  if (typeof value !== "object" || value instanceof Date) return value;
  return Array.isArray(value) ? value.map(knownValue) : known(value as Record<string, unknown>);
}

// An {% if %} that printed nothing leaves its line behind.
function tidy(text: string): string {
  return `${text
    .replace(/\r\n?/g, "\n")
    .replace(/[ \t]+$/gm, "")
    .replace(/\n{3,}/g, "\n\n")
    .trim()}\n`;
}
