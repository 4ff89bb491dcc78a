import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createLogger } from "./logger.ts";
import { redactLine } from "./redact.ts";

describe("a log line", () => {
  test.each([
    ["an address", "sent to ada.lovelace+x@mail.example.com", "sent to a…@mail.example.com"],
    [
      "an address in an error",
      "Key (lower(email))=(ada@example.com) exists",
      "Key (lower(email))=(a…@example.com) exists",
    ],
    ["a key", "Bearer dk_abcdefgh_0123456789abcdef", "Bearer [redacted]"],
    ["a key alone", "given dk_abcdefgh_0123456789abcdef", "given dk_abcdefgh_[redacted]"],
    ["a database's password", "postgres://app:s3cret@db:5432/x", "postgres://[redacted]@db:5432/x"],
    ["a Redis password", "rediss://:s3cret@cache:6379", "rediss://[redacted]@cache:6379"],
  ])("does not hold %s", (_, text, redacted) => {
    expect(JSON.parse(redactLine(JSON.stringify({ msg: text })))).toEqual({ msg: redacted });
  });

  test("does not hold headers and fields that carry secrets", () => {
    const line = JSON.stringify({
      headers: { authorization: 'Basic "x\\"', cookie: "a=b" },
      password: "p",
      apiKey: "k",
    });
    expect(JSON.parse(redactLine(line))).toEqual({
      headers: { authorization: "[redacted]", cookie: "[redacted]" },
      password: "[redacted]",
      apiKey: "[redacted]",
    });
  });

  test("keeps Message-IDs, which an operator searches for", () => {
    const line = JSON.stringify({ messageId: "<0199.a@dripline.example.com>" });
    expect(redactLine(line)).toBe(line);
  });

  test("stays valid JSON, whatever is in it", () => {
    const nasty = fc.string({
      unit: fc.constantFrom(
        "a",
        "@",
        ".",
        "\\",
        '"',
        "\u0000",
        "\n",
        "é",
        "😀",
        "/",
        ":",
        "dk_a_",
        "Bearer ",
        '"token":"',
      ),
      maxLength: 60,
    });
    fc.assert(fc.property(fc.dictionary(nasty, nasty), (entry) => void JSON.parse(redactLine(JSON.stringify(entry)))));
  });

  test("of a megabyte without an address costs milliseconds, not minutes", () => {
    const line = JSON.stringify({
      msg: "a".repeat(1_000_000),
      more: "a.".repeat(200_000),
      urls: "a://".repeat(100_000),
    });
    const startedAt = performance.now();
    expect(redactLine(line)).toBe(line);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});

test("the logger takes secrets out of error texts as well, and says who speaks in one line of JSON", () => {
  const lines: string[] = [];
  const log = createLogger({
    role: "api",
    level: "info",
    isTerminal: false,
    destination: { write: (line) => void lines.push(line) },
  });
  log.debug("not this one");
  log.error({ err: new Error("no mailbox for ada@example.com") }, "could not send");
  expect(lines).toHaveLength(1);
  expect(lines[0]).not.toContain("ada@");
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({
    level: "error",
    role: "api",
    msg: "could not send",
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    err: { message: "no mailbox for a…@example.com" },
  });
});
