import fc from "fast-check";
import { expect, test } from "vitest";
import { composeMessage } from "./compose.ts";
import { isReadyForWire } from "./ready-for-wire.ts";

const ready = (text: string) => isReadyForWire(Buffer.from(text));

test("a message of whole lines without dots in front is", () => {
  expect(ready("Subject: a.b\r\n\r\nA line. And .another\r\n\r\n")).toBe(true);
});

test.each([
  ["nothing at all", ""],
  ["no line end at the end", "a\r\nb"],
  ["a bare LF", "a\nb\r\n"],
  ["a bare LF in front", "\na\r\n"],
  ["a bare CR", "a\rb\r\n"],
  ["a bare CR before a line end", "a\r\r\n"],
  ["a bare CR at the end", "a\r\n\r"],
  ["a bare LF after a line end", "a\r\n\nb\r\n"],
  ["a dot at the start", ".a\r\n"],
  ["a dot at the start of a line", "a\r\n.b\r\n"],
  ["the end of the data", "a\r\n.\r\nMAIL FROM:<x@example.com>\r\n"],
  ["a smuggled end of the data", "a\r\n\r.\r\nb\r\n"],
  ["another smuggled end of the data", "a\n.\r\nb\r\n"],
])("not with %s", (_, text) => {
  expect(ready(text)).toBe(false);
});

const bytes = fc
  .array(fc.constantFrom("\r", "\n", "\r\n", ".", "a", "é"), { maxLength: 12 })
  .map((all) => all.join(""));

test("it says yes to what nobody would change, and to nothing else", () => {
  fc.assert(
    fc.property(bytes, (text) => {
      const isWhole = /^(?:(?!\.)[^\r\n]*\r\n)+$/.test(text);
      expect(ready(text)).toBe(isWhole);
    }),
    { numRuns: 5_000 },
  );
});

test("whatever is composed is ready", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "binary", maxLength: 300 }), bytes, bytes, async (subject, html, text) => {
      const { raw } = await composeMessage({
        messageId: "<a@example.com>",
        date: new Date(0),
        from: { address: "a@example.com", name: subject },
        to: { address: "b@example.com", name: "" },
        subject,
        html,
        text,
        unsubscribeUrl: "https://example.com/u",
      });
      expect(isReadyForWire(raw)).toBe(true);
    }),
    { numRuns: 1_000 },
  );
});
