import { Tokenizer, type TokenizerCallbacks } from "htmlparser2";

export type MjmlElement = { name: string; start: number };
export type MjmlFlaw = {
  code: "malformed" | "too_deep" | "too_many_elements" | "include" | "script" | "liquid_unquoted";
  message: string;
  start: number;
};
export type MjmlScan = {
  /** In the order in which they open. */
  elements: MjmlElement[];
  flaws: MjmlFlaw[];
  /** Offsets [from, to) in which Liquid need not come through: comments and attribute definitions. */
  silent: [number, number][];
};

// MJML itself needs about 10 levels. 3,000 overflow its stack, and HTML to text has the same weakness.
const mjmlDepthMax = 20;
const depthMax = 100;
// MJML takes 0.5 ms per element (measured: 300 sections of 3 elements, 425 ms), all of it on the calling thread.
const mjmlElementsMax = 500;

const voidElements = new Set(
  "area base basefont br col embed frame hr img input isindex keygen link meta param source track wbr".split(" "),
);
// HTML lets these end where the next of their kind begins.
const selfEnding = new Set("p li td th tr dt dd option tbody thead".split(" "));
// QuoteType.Unquoted of htmlparser2.
const unquoted = 1;

/**
 * Reads the tags of an MJML source as MJML's own parser would (the same tokenizer, without its forgiveness): finds
 * tags that are not closed or never opened, and what must not reach the compiler. Runs in one pass and without
 * recursion, so that it is safe on anything.
 *
 * @param source with the insides of Liquid tags blanked out, so that a `<` or a quote in them opens nothing
 */
export function scanMjml(source: string): MjmlScan {
  const scanner = new Scanner(source);
  const tokenizer = new Tokenizer({ xmlMode: false, decodeEntities: false }, scanner);
  tokenizer.write(source);
  tokenizer.end();
  return scanner.scan;
}

class Scanner implements TokenizerCallbacks {
  readonly scan: MjmlScan = { elements: [], flaws: [], silent: [] };
  readonly #source: string;
  readonly #open: MjmlElement[] = [];
  #mjmlCount = 0;
  #mjmlDepth = 0;
  #tag: MjmlElement | undefined;
  #valueStart = 0;
  /** After a limit was passed nothing more is read. */
  #halted = false;

  constructor(source: string) {
    this.#source = source;
  }

  onopentagname(start: number, end: number): void {
    if (this.#halted) return;
    const tag = { name: this.#source.slice(start, end).toLowerCase(), start: start - 1 };
    this.#tag = tag;
    this.scan.elements.push(tag);
    if (isMjml(tag) && ++this.#mjmlCount > mjmlElementsMax) {
      this.#halt("too_many_elements", tag.start, `more than ${mjmlElementsMax} MJML elements`);
    }
    if (tag.name === "mj-include") {
      this.#flaw("include", tag.start, "mj-include is not supported: a template stands alone; paste the content here");
    }
    if (tag.name === "script") this.#flaw("script", tag.start, "scripts do not run in mail and make it look like spam");
  }

  onattribname(start: number, end: number): void {
    if (!this.#source.slice(start, end).includes("{{")) return;
    this.#flaw(
      "liquid_unquoted",
      start,
      'a Liquid output may stand only inside a quoted attribute value: name="{{ … }}"',
    );
  }

  onattribdata(start: number): void {
    this.#valueStart = start;
  }

  onattribend(quote: number, end: number): void {
    if (quote !== unquoted || !this.#source.slice(this.#valueStart, end).includes("{{")) return;
    this.#flaw("liquid_unquoted", this.#valueStart, 'put quotes around the Liquid output: name="{{ … }}"');
  }

  onopentagend(): void {
    if (this.#tag !== undefined && !voidElements.has(this.#tag.name)) this.#enter(this.#tag);
    this.#tag = undefined;
  }

  onselfclosingtag(): void {
    this.#tag = undefined;
  }

  onclosetag(start: number, end: number): void {
    if (this.#halted) return;
    const name = this.#source.slice(start, end).toLowerCase();
    const at = this.#open.findLastIndex((element) => element.name === name);
    if (!isMjml({ name })) {
      // HTML forgives; but a stray </div> must not close the MJML around it.
      if (at > this.#open.findLastIndex(isMjml)) this.#open.length = at;
    } else if (at < 0) {
      this.#flaw("malformed", start - 2, `</${name}> closes nothing: there is no <${name}> open here`);
    } else {
      while (this.#open.length > at + 1) this.#leave(end, `is not closed before </${name}>`);
      this.#leave(end);
    }
  }

  oncomment(start: number, end: number): void {
    this.scan.silent.push([start - "<!--".length, end]);
  }

  onend(): void {
    if (this.#halted) return;
    if (this.#tag !== undefined) {
      const message = `<${this.#tag.name}> is not finished: a ">" or a closing quote is missing`;
      // Everything after it was read as part of it: what else seems wrong is this.
      this.#halt("malformed", this.#tag.start, message);
      return;
    }
    while (this.#open.length > 0) this.#leave(this.#source.length, "is never closed");
    const tagName = /<\/?\s*\{\{/.exec(this.#source);
    if (tagName !== null) this.#flaw("liquid_unquoted", tagName.index, "a Liquid output may not be the name of a tag");
    this.#checkRoot();
  }

  onattribentity(): void {}
  oncdata(): void {}
  ondeclaration(): void {}
  onprocessinginstruction(): void {}
  ontext(): void {}
  ontextentity(): void {}

  #checkRoot(): void {
    const root = this.scan.elements[0];
    if (root === undefined) {
      this.#flaw("malformed", 0, "there is no MJML here: expected <mjml><mj-body>…</mj-body></mjml>");
    } else if (root.name !== "mjml") {
      this.#flaw("malformed", root.start, `expected <mjml> first, not <${root.name}>`);
    } else if (!this.scan.elements.some(({ name }) => name === "mj-body")) {
      this.#flaw("malformed", root.start, "<mjml> has no <mj-body>");
    }
  }

  #enter(element: MjmlElement): void {
    if (this.#halted) return;
    if (selfEnding.has(element.name) && this.#open.at(-1)?.name === element.name) this.#open.pop();
    this.#open.push(element);
    if (isMjml(element) && ++this.#mjmlDepth > mjmlDepthMax) {
      this.#halt("too_deep", element.start, `MJML elements are nested deeper than ${mjmlDepthMax}`);
    } else if (this.#open.length > depthMax) {
      this.#halt("too_deep", element.start, `elements are nested deeper than ${depthMax}`);
    }
  }

  #leave(end: number, complaint?: string): void {
    const element = this.#open.pop();
    if (element === undefined || !isMjml(element)) return;
    this.#mjmlDepth--;
    if (element.name === "mj-attributes") this.scan.silent.push([element.start, end]);
    if (complaint !== undefined) this.#flaw("malformed", element.start, `<${element.name}> ${complaint}`);
  }

  #flaw(code: MjmlFlaw["code"], start: number, message: string): void {
    if (!this.#halted) this.scan.flaws.push({ code, start, message });
  }

  #halt(code: MjmlFlaw["code"], start: number, message: string): void {
    this.#flaw(code, start, message);
    this.#halted = true;
  }
}

function isMjml({ name }: { name: string }): boolean {
  return name === "mjml" || name.startsWith("mj-");
}
