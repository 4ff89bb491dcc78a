import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeQuotedPrintable } from "./quoted-printable.ts";

describe("quoted-printable", () => {
  test.each([
    ["Hello Ann", "Hello Ann"],
    ["a=b", "a=3Db"],
    ["Grüße", "Gr=C3=BC=C3=9Fe"],
    ["👋", "=F0=9F=91=8B"],
    ["a\nb\r\nc\rd", "a\r\nb\r\nc\r\nd"],
    ["blank \ntab\t\nend ", "blank=20\r\ntab=09\r\nend=20"],
    [".\n..\na.", "=2E\r\n=2E.\r\na."],
    ["x".repeat(76), "x".repeat(76)],
    ["x".repeat(77), `${"x".repeat(75)}=\r\nxx`],
    [`${"x".repeat(75)}.y`, `${"x".repeat(75)}=\r\n=2Ey`],
    [`${"x".repeat(74)}üü`, `${"x".repeat(74)}=\r\n=C3=BC=C3=BC`],
    ["", ""],
  ])("%j is written %j", (text, encoded) => {
    expect(encodeQuotedPrintable(text)).toBe(encoded);
  });

  const text = fc
    .array(
      fc.oneof(
        fc.string({ unit: "binary" }),
        fc.string({ unit: "grapheme" }),
        fc.constantFrom(".", " ", "\t", "=", "\n", "\r\n", "\r", "ü", "😀", "x".repeat(80), "=C3", "\u0000"),
      ),
      { maxLength: 60 },
    )
    .map((pieces) => pieces.join(""));

  test("reads again as what was written, whatever it was", () => {
    fc.assert(
      fc.property(text, (written) => {
        const read = decode(encodeQuotedPrintable(written)).toString("utf8");
        expect(read).toBe(written.toWellFormed().replace(/\r\n?|\n/g, "\r\n"));
      }),
      { numRuns: 2_000 },
    );
  });

  test("has lines of 76 ASCII characters at most, none ends with a blank or begins with a dot", () => {
    fc.assert(
      fc.property(text, (written) => {
        const encoded = encodeQuotedPrintable(written);
        expect(encoded).toMatch(/^[\t\r\n\x20-\x7e]*$/);
        for (const line of encoded.split("\r\n")) expect(line).toMatch(/^(?!\.)(.{0,75}[^ \t\r\n])?$/);
      }),
      { numRuns: 2_000 },
    );
  });
});

/** As RFC 2045 tells readers to. */
function decode(encoded: string): Buffer {
  const bytes = encoded
    .replace(/=\r\n/g, "")
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1");
}
