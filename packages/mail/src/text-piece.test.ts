import fc from "fast-check";
import { expect, test } from "vitest";
import { encodePieces, encodeText, TextPiece } from "./text-piece.ts";

const piece = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.constantFrom("", ".", " ", "\t", "=", "\n", "\r\n", "\r", "\r\u0000", "ü", "😀", "=C3", "\u0000"),
  fc.constantFrom(..."74 75 76 77 150 151 152".split(" ").map((length) => "x".repeat(Number(length)))),
  fc.constantFrom(`${"x".repeat(75)}.`, `${"x".repeat(74)}ü`, `${"x".repeat(73)}=`, `${"x".repeat(70)}😀`),
);
const pieces = fc.array(piece, { maxLength: 20 }).map((texts) => texts.map((text) => new TextPiece(text)));

test("a text in pieces reads as the text in one", () => {
  fc.assert(
    fc.property(pieces, (given) => {
      const whole = encodeText(given.map(({ text }) => text).join(""));
      expect(withoutSoftBreaks(encodePieces(given))).toBe(withoutSoftBreaks(whole));
    }),
    { numRuns: 5_000 },
  );
});

test("its lines have 76 characters at most, none ends with a blank or begins with a dot, and the last one is not open", () => {
  fc.assert(
    fc.property(pieces, (given) => {
      const encoded = encodePieces(given);
      for (const line of encoded.split("\r\n")) expect(line).toMatch(/^(?!\.)([\t\x20-\x7e]{0,75}[\x21-\x7e])?$/);
      expect(encoded).not.toMatch(/=(\r\n)?$/);
    }),
    { numRuns: 5_000 },
  );
});

test("a piece that stands in many texts is encoded once", () => {
  const same = new TextPiece("grüß dich");
  const first = same.encoded();
  encodePieces([same, new TextPiece("Ann"), same]);
  expect(same.encoded()).toBe(first);
});

/** What a reader joins first (RFC 2045 section 6.7), with the blanks and dots that need not be written in code. */
function withoutSoftBreaks(encoded: string): string {
  return encoded.replace(/=\r\n/g, "").replaceAll("=20", " ").replaceAll("=09", "\t").replaceAll("=2E", ".");
}
