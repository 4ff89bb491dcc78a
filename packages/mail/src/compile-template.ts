import type { Liquid } from "liquidjs";
import { deriveText } from "./derive-text.ts";
import {
  createLiquid,
  type HiddenLiquid,
  hideLiquid,
  type LiquidProblem,
  liquidTokens,
  parseLiquid,
} from "./liquid.ts";
import { type MjmlFlaw, type MjmlScan, scanMjml } from "./scan-mjml.ts";

export type TemplateField = "subject" | "mjml" | "text";

/** What is wrong, and where in what the user wrote: line and column count from 1. */
export type TemplateProblem = {
  field: TemplateField;
  code: LiquidProblem["code"] | MjmlFlaw["code"] | "empty" | "mjml_invalid" | "liquid_lost" | "text_underivable";
  message: string;
  line: number;
  column: number;
};

export type TemplateSource = { subject: string; mjml: string; text?: string };

export type CompiledTemplate = {
  subject: string;
  html: string;
  text: string;
  /** The variables that the template reads, sorted, e.g. `["company.name", "contact.first_name"]`. */
  variables: string[];
};

export type Compilation = { ok: true; template: CompiledTemplate } | { ok: false; problems: TemplateProblem[] };

// Ten times the largest real template seen; Gmail cuts messages off at 102 KB of HTML.
const charactersMax = { subject: 1000, mjml: 200_000, text: 200_000 };
const htmlCharactersMax = 1_000_000;
// Who has more to mend starts with these.
const problemsMax = 50;

// Parsing keeps nothing in them, and rendering does not happen here.
const htmlLiquid = createLiquid("html");
const textLiquid = createLiquid("text");

/**
 * Compiles a template once, when its version is saved: MJML to HTML (strict, no includes), a text part derived from it
 * unless one is given, Liquid checked in all three and left in place for the renderer. What a hostile source could cost
 * is capped before MJML sees it. Everything wrong that can be told at once is told at once.
 *
 * @returns problems as values, never throws for what a user wrote
 */
export async function compileTemplate(source: TemplateSource): Promise<Compilation> {
  const problems = [
    ...checkLiquid("subject", source.subject, textLiquid),
    ...checkLiquid("mjml", source.mjml, htmlLiquid),
    ...(source.text === undefined ? [] : checkLiquid("text", source.text, textLiquid)),
  ];
  if (problems.some(({ field }) => field === "mjml")) return { ok: false, problems };
  const scan = scanMjml(blankLiquid(source.mjml));
  problems.push(...located(source.mjml, scan.flaws));
  if (scan.flaws.length > 0) return { ok: false, problems };

  const compiled = await compileMjml(source.mjml, scan);
  if (!compiled.ok) return { ok: false, problems: [...problems, ...compiled.problems] };
  const text = source.text ?? deriveText(compiled.html);
  const subject = parseLiquid(textLiquid, source.subject);
  const html = parseLiquid(htmlLiquid, compiled.html);
  const plain = parseLiquid(textLiquid, text);
  if (!html.ok) problems.push(first("mjml", html.problem.code, `compiled to HTML: ${html.problem.message}`));
  if (!plain.ok && source.text === undefined) {
    problems.push(
      first("mjml", "text_underivable", `no text part can be made of this (${plain.problem.message}): write one`),
    );
  }
  if (problems.length > 0 || !subject.ok || !html.ok || !plain.ok) return { ok: false, problems };
  const variables = variablesOf([source.subject, compiled.html, text]);
  return { ok: true, template: { subject: source.subject, html: compiled.html, text, variables } };
}

function checkLiquid(field: TemplateField, source: string, liquid: Liquid): TemplateProblem[] {
  if (source.trim() === "") return [first(field, "empty", "this is empty")];
  if (source.length > charactersMax[field]) {
    return [first(field, "too_large", `longer than ${charactersMax[field]} characters`)];
  }
  const parsed = parseLiquid(liquid, source);
  return parsed.ok ? [] : [{ field, ...parsed.problem }];
}

// "{{ a | b: '<' }}" becomes "{{xxxxxxxxxxxx}}": same length, so that positions stay, and nothing in it is markup.
function blankLiquid(source: string): string {
  let blanked = "";
  let at = 0;
  for (const token of liquidTokens(source)) {
    const inside = source.slice(token.begin + 2, token.end - 2).replace(/[^\n]/g, "x");
    blanked += source.slice(at, token.begin + 2) + inside;
    at = token.end - 2;
  }
  return blanked + source.slice(at);
}

type CompiledMjml = { ok: true; html: string } | { ok: false; problems: TemplateProblem[] };

async function compileMjml(source: string, scan: MjmlScan): Promise<CompiledMjml> {
  const hidden = hideLiquid(source);
  try {
    // Loading MJML takes a second of CPU, and a process that only sends never compiles: not before it is needed.
    const { default: mjml2html } = await import("mjml");
    const { html } = await mjml2html(hidden.source, {
      validationLevel: "strict",
      ignoreIncludes: true,
      keepComments: false,
      // MJML would link Google Fonts for its default font, and tell Google who reads. <mj-font> says so when it is wanted.
      fonts: {},
    });
    const problems = lostLiquid(source, hidden, scan, html);
    if (problems.length > 0) return { ok: false, problems };
    const restored = hidden.restore(html);
    if (restored.length <= htmlCharactersMax) return { ok: true, html: restored };
    const message = `compiles to more than ${htmlCharactersMax} characters of HTML`;
    return { ok: false, problems: [first("mjml", "too_large", message)] };
  } catch (error) {
    return { ok: false, problems: mjmlProblems(error, source, hidden, scan) };
  }
}

type MjmlComplaint = { line: number; tagName: string; message: string };

// MJML names the line (of what it saw, Liquid hidden) and the tag; the same tag in the user's source has the column.
function mjmlProblems(error: unknown, source: string, hidden: HiddenLiquid, scan: MjmlScan): TemplateProblem[] {
  const complaints = (error as { errors?: MjmlComplaint[] }).errors ?? [];
  if (complaints.length === 0) {
    const message = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    return [first("mjml", "mjml_invalid", hidden.restore(message))];
  }
  const seen = scanMjml(hidden.source).elements;
  const lineOf = positions(hidden.source);
  const places = new Map(
    seen.map(({ name, start }, index) => [`${lineOf(start).line} ${name}`, index] as const).reverse(),
  );
  const flaws = complaints.map(({ line, tagName, message }) => ({
    code: "mjml_invalid" as const,
    message: hidden.restore(`<${tagName}>: ${message}`),
    start: scan.elements[places.get(`${line} ${tagName}`) ?? 0]?.start ?? 0,
  }));
  return located(source, flaws);
}

/** MJML silently drops text between its elements, and with it an `{% if %}`: what was conditional would always show. */
function lostLiquid(source: string, hidden: HiddenLiquid, scan: MjmlScan, html: string): TemplateProblem[] {
  const arrived = new Set(html.match(/lqdq*\d+x/g));
  const lost = hidden.tags.filter(
    ({ word, start }) => !arrived.has(word) && !scan.silent.some(([from, to]) => start >= from && start < to),
  );
  const flaws = lost.map(({ text, start }) => ({
    code: "liquid_lost" as const,
    message: `MJML drops ${text} here: between elements, put Liquid into <mj-raw>…</mj-raw>`,
    start,
  }));
  return located(source, flaws);
}

// Only the tags are analysed, without what is between them: liquidjs counts lines from the start for each variable.
function variablesOf(parts: string[]): string[] {
  const names = parts.flatMap((part) => {
    const tags = liquidTokens(part).map((token) => token.getText());
    return htmlLiquid.globalFullVariablesSync(tags.join(""), { partials: false });
  });
  return [...new Set(names)].sort();
}

function located(
  source: string,
  flaws: { code: TemplateProblem["code"]; message: string; start: number }[],
): TemplateProblem[] {
  const positionOf = positions(source);
  return flaws
    .slice(0, problemsMax)
    .map(({ code, message, start }) => ({ field: "mjml", code, message, ...positionOf(start) }));
}

/** Line and column of an offset, from 1. */
function positions(source: string): (offset: number) => { line: number; column: number } {
  const starts = [0];
  for (let at = source.indexOf("\n"); at >= 0; at = source.indexOf("\n", at + 1)) starts.push(at + 1);
  return (offset) => {
    let line = 0;
    let beyond = starts.length;
    while (beyond - line > 1) {
      const middle = (line + beyond) >> 1;
      if ((starts[middle] ?? 0) <= offset) line = middle;
      else beyond = middle;
    }
    return { line: line + 1, column: offset - (starts[line] ?? 0) + 1 };
  };
}

function first(field: TemplateField, code: TemplateProblem["code"], message: string): TemplateProblem {
  return { field, code, message, line: 1, column: 1 };
}
