import { compile } from "html-to-text";
import { hideLiquid } from "./liquid.ts";

// No wrapping and no capitals: whoever reads the text part wraps it at their own width.
const convert = compile({
  wordwrap: false,
  limits: { maxInputLength: 2_000_000, maxDepth: 300, ellipsis: "" },
  formatters: {
    // The picture's words; its address helps nobody.
    alternative: (element, _walk, builder) => builder.addInline(String(element.attribs?.alt ?? "")),
  },
  selectors: [
    ...["h1", "h2", "h3", "h4", "h5", "h6"].map((selector) => ({ selector, options: { uppercase: false } })),
    { selector: "a", options: { hideLinkHrefIfSameAsText: true, linkBrackets: ["[", "]"] as [string, string] } },
    { selector: "img", format: "alternative" },
    // The preview line that mail programs show in lists: hidden in the HTML, a repetition here.
    { selector: 'div[style*="display:none"]', format: "skip" },
  ],
});

/** The text part of a compiled HTML template, its Liquid tags untouched; links read "text [address]". */
export function deriveText(html: string): string {
  const hidden = hideLiquid(html);
  const text = hidden.restore(convert(hidden.source));
  return `${text
    .replace(/[ \t]+$/gm, "")
    .replace(/\n{3,}/g, "\n\n")
    .trim()}\n`;
}
