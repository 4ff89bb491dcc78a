import { Context, type Liquid, Output, type Template, TokenKind } from "liquidjs";
import { liquidTokens } from "./liquid.ts";
import { TextPiece } from "./text-piece.ts";

/** A part of a template as it is filled in: what is the same for everybody, and what Liquid has to be asked for. */
export type RenderPlan = readonly (TextPiece | Print)[];

/** Prints with the same `key` print the same, wherever they stand. */
interface Print {
  readonly templates: Template[];
  readonly key: string;
}

/** They print, and change nothing for what comes after them. */
const quietTags = new Set(
  "if elsif else endif unless endunless case when endcase for endfor tablerow endtablerow comment endcomment raw endraw echo".split(
    " ",
  ),
);

/**
 * Asking Liquid is most of what an email costs until it is sent, and most templates ask for the same few names again and
 * again. So what is printed more than once is asked for once, unless there is a tag that may change it in between (`assign`,
 * `capture`, `increment` …): then the part is left to Liquid as a whole.
 */
export function planRendering(liquid: Liquid, source: string, templates: Template[]): RenderPlan {
  if (!hasQuietTagsOnly(source)) return [{ templates, key: "everything" }];
  return templates.map((template, index) => {
    if (template.token.kind === TokenKind.HTML) return new TextPiece(liquid.renderSync([template]) as string);
    const key = template instanceof Output ? template.token.getText() : `tag ${index}`;
    return { templates: [template], key };
  });
}

function hasQuietTagsOnly(source: string): boolean {
  return liquidTokens(source).every((token) => {
    const tag = /^\{%-?\s*(\w*)/.exec(token.getText());
    return tag === null || quietTags.has(tag[1] ?? "");
  });
}

/**
 * The pieces of one part for one contact.
 *
 * @param scope the variables
 * @throws what Liquid throws
 */
export function renderPieces(liquid: Liquid, plan: RenderPlan, scope: object, globals: object): readonly TextPiece[] {
  // One context for all of them: its limits of time and memory are those of the whole part.
  const context = new Context(scope, liquid.options, { sync: true, globals }, { liquid });
  const printed = new Map<string, TextPiece>();
  return plan.map((piece) => {
    if (piece instanceof TextPiece) return piece;
    let print = printed.get(piece.key);
    if (print === undefined) {
      print = new TextPiece(String(liquid.renderSync(piece.templates, context) as unknown));
      printed.set(piece.key, print);
    }
    return print;
  });
}
