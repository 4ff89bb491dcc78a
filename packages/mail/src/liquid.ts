import {
  AssignTag,
  type Context,
  filters,
  Liquid,
  type LiquidError,
  type Template,
  Tokenizer,
  type TopLevelToken,
} from "liquidjs";

/** `html` escapes everything it prints; `text` (subjects too) prints as it is. */
export type LiquidFlavour = "html" | "text";

// A real template renders in 0.1 ms. The limits end what is broken or hostile, with room for a machine that is busy.
const renderMs = 1000;
// Characters and list elements that filters and ranges may make. Without it `(1..1000000000)` kills the process.
const memoryMax = 500_000;
// A compiled template; see compile-template.ts for what users may write.
const parseCharactersMax = 1_200_000;
// liquidjs counts lines from the start for every variable that it analyses: 40 KB of {{ a }} took 5 s, 175 KB 85 s.
const liquidCharactersMax = 15_000;
// Rendering recurses once per block: some thousand levels overflow the stack.
const blockDepthMax = 40;

// Templates stand alone. `templates: {}` keeps these from files at run time; without the tags they are refused when written.
const tagsRemoved = ["include", "render", "layout", "block"];
// `raw` would let contact data become markup. The `_exp` filters run text as code, and that text may be data.
// `sample` gives another message at every attempt.
const filtersRemoved = /^(raw|sample|.*_exp)$/;

/** Where `"now"` in a date filter comes from: rendering twice must give the same bytes, so not from the clock. */
export const nowKey: unique symbol = Symbol("now");

/**
 * The one Liquid dialect of mail templates: strict about filters and variables (except `{% if x %}` and
 * `{{ x | default: … }}`), no files, own properties only, bounded in time and memory, UTC dates.
 */
export function createLiquid(flavour: LiquidFlavour): Liquid {
  const liquid = new Liquid({
    templates: {},
    ownPropertyOnly: true,
    strictFilters: true,
    strictVariables: true,
    lenientIf: true,
    parseLimit: parseCharactersMax,
    renderLimit: renderMs,
    memoryLimit: memoryMax,
    timezoneOffset: 0,
    locale: "en-US",
    outputEscape: flavour === "html" ? (value: unknown) => escapeHtml(printed(value)) : printed,
  });
  liquid.registerTag("assign", StrictAssignTag);
  for (const tag of tagsRemoved) delete liquid.tags[tag];
  for (const name of Object.keys(liquid.filters)) {
    if (filtersRemoved.test(name)) delete liquid.filters[name];
    else if (/^date(_|$)/.test(name)) liquid.registerFilter(name, withFixedNow(name));
  }
  if (flavour === "html") {
    // `raw` here means: what this returns is markup already. It escapes its whole input first, so it smuggles nothing.
    const handler = (value: unknown): string => escapeHtml(printed(value)).replace(/\r?\n/g, "<br>\n");
    liquid.registerFilter("newline_to_br", { handler, raw: true });
  } else {
    // Filters that make text fit for HTML have nothing to do here: the derived text part keeps them from the HTML.
    for (const name of ["escape", "escape_once", "xml_escape", "newline_to_br"]) {
      liquid.registerFilter(name, (value: unknown) => value);
    }
  }
  return liquid;
}

export type LiquidProblem = {
  code: "liquid_syntax" | "unknown_filter" | "unknown_tag" | "too_deep" | "too_large";
  message: string;
  line: number;
  column: number;
};

export type Parsed = { ok: true; templates: Template[] } | { ok: false; problem: LiquidProblem };

/** Parses without running anything. Line and column count from 1 and point into `source`. */
export function parseLiquid(liquid: Liquid, source: string): Parsed {
  if (source.length > parseCharactersMax) {
    const message = `longer than ${parseCharactersMax} characters`;
    return { ok: false, problem: { code: "too_large", message, line: 1, column: 1 } };
  }
  try {
    const excess = excessOf(liquidTokens(source));
    if (excess !== undefined) return { ok: false, problem: excess };
    return { ok: true, templates: liquid.parse(source) };
  } catch (error) {
    return { ok: false, problem: problemOf(error) };
  }
}

/** The Liquid tags and outputs of a source that parses, in order, with their offsets. */
export function liquidTokens(source: string): TopLevelToken[] {
  return new Tokenizer(source).readTopLevelTokens().filter((token) => /^\{[{%]/.test(token.getText()));
}

/**
 * Puts a word in the place of every Liquid tag, and back. MJML and HTML parsers then see nothing in Liquid that they
 * could take for markup, upper-case, wrap or escape.
 */
export type HiddenLiquid = {
  source: string;
  /** The tags in their order, with the word that stands for each. */
  tags: { word: string; text: string; start: number }[];
  restore(text: string): string;
};

export function hideLiquid(source: string): HiddenLiquid {
  let prefix = "lqd";
  while (source.toLowerCase().includes(prefix)) prefix += "q";
  const tags: HiddenLiquid["tags"] = [];
  let hidden = "";
  let at = 0;
  for (const token of liquidTokens(source)) {
    const word = `${prefix}${tags.length}x`;
    tags.push({ word, text: token.getText(), start: token.begin });
    hidden += source.slice(at, token.begin) + word;
    at = token.end;
  }
  hidden += source.slice(at);
  const words = new RegExp(`${prefix}(\\d+)x`, "g");
  return {
    source: hidden,
    tags,
    restore: (text) => text.replace(words, (_, index) => tags[Number(index)]?.text ?? ""),
  };
}

/** A Liquid error without the position that it appends, and the position. */
export function describeError(error: unknown): { message: string; line: number; column: number } {
  const [line, column] = (error as Partial<LiquidError>).token?.getPosition() ?? [1, 1];
  const message = error instanceof Error ? error.message : String(error);
  return { message: message.replace(/, (?:file:.*?, )?line:\d+, col:\d+$/, ""), line: line ?? 1, column: column ?? 1 };
}

function problemOf(error: unknown): LiquidProblem {
  const where = describeError(error);
  const filter = /^undefined filter: (.*)$/.exec(where.message)?.[1];
  if (filter !== undefined) {
    const hint = filter === "raw" ? ": everything printed into HTML is escaped" : "";
    return { ...where, code: "unknown_filter", message: `there is no filter "${filter}"${hint}` };
  }
  const tag = /^tag "(.*)" not found$/s.exec(where.message)?.[1];
  if (tag !== undefined) return { ...where, code: "unknown_tag", message: `there is no tag "${tag}" here` };
  return { ...where, code: "liquid_syntax" };
}

function excessOf(tokens: TopLevelToken[]): LiquidProblem | undefined {
  let depth = 0;
  let characters = 0;
  for (const token of tokens) {
    const block = /^\{%-?\s*(end)?(?:if|unless|case|for|tablerow|capture|comment|raw)\b/.exec(token.getText());
    if (block !== null) depth += block[1] === undefined ? 1 : -1;
    characters += token.size();
    if (depth <= blockDepthMax && characters <= liquidCharactersMax) continue;
    const [line = 1, column = 1] = token.getPosition();
    return depth > blockDepthMax
      ? { code: "too_deep", message: `Liquid blocks are nested deeper than ${blockDepthMax}`, line, column }
      : { code: "too_large", message: `more than ${liquidCharactersMax} characters of Liquid tags`, line, column };
  }
  return undefined;
}

/** With `lenientIf`, liquidjs assigns a missing variable silently, and printing the copy would leave a hole. */
class StrictAssignTag extends AssignTag {
  readonly #assign: AssignInternals = this as unknown as AssignInternals;

  override *render(context: Context): Generator<unknown, void, unknown> {
    const { key, value } = this.#assign;
    (context.bottom() as Record<string, unknown>)[key] = yield value.value(context, false);
  }
}

type AssignInternals = { key: string; value: { value(context: Context, lenient: boolean): unknown } };

function withFixedNow(name: string) {
  const original: unknown = filters[name as keyof typeof filters];
  return function date(this: { context: Context }, value: unknown, ...rest: unknown[]): unknown {
    if (typeof original !== "function") throw new Error(`liquidjs has no filter ${name}`);
    let moment = value;
    if (value === "now" || value === "today") {
      moment = (this.context.globals as { [nowKey]?: Date })[nowKey];
      if (moment === undefined) throw new Error(`"${value}" is not known here: give the date as a variable`);
    }
    return original.call(this, moment, ...rest);
  };
}

/** Something was to be printed and there is nothing, as in `{{ items | first }}` of an empty list. */
export class NothingToPrint extends Error {
  constructor() {
    super("there is nothing to print here");
  }
}

/** How a value reads in a message. A whole object is refused: "[object Object]" is a hole too. */
function printed(value: unknown): string {
  if (value === undefined || value === null) throw new NothingToPrint();
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map((item: unknown) => (item === undefined ? "" : printed(item))).join("");
  if (typeof value === "object") {
    throw new Error("this is an object with fields, not a text: name the field to print");
  }
  return String(value as string | number | boolean);
}

const entities: Record<string, string> = { "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;" };

/**
 * Escapes for HTML text and quoted attributes. An entity that is there already stays, so that `| escape` and captured
 * text are not escaped twice; a contact called "&lt;" reads as "<", which opens no tag.
 */
function escapeHtml(text: string): string {
  return text
    .replace(/&(?!(?:[a-z][a-z0-9]{1,31}|#\d{1,7}|#x[0-9a-f]{1,6});)/gi, "&amp;")
    .replace(/[<>"']/g, (character) => entities[character] ?? character);
}
