import { expect, test } from "vitest";
import { messageIdFor } from "./message-id.ts";

const id = "0198c0de-0000-7000-8000-000000000001";
const secret = "a secret of some length";

test("an execution has one Message-ID, whichever attempt asks", () => {
  expect(messageIdFor(id, "example.com", secret)).toBe(messageIdFor(id, "example.com", secret));
  expect(messageIdFor(id, "Example.com", secret)).toMatch(/^<[A-Za-z0-9_-]{27}@example\.com>$/);
});

test("another execution or another secret has another Message-ID, and neither shows the id", () => {
  const first = messageIdFor(id, "example.com", secret);
  expect(messageIdFor(id.replace(/1$/, "2"), "example.com", secret)).not.toBe(first);
  expect(messageIdFor(id, "example.com", `${secret}!`)).not.toBe(first);
  expect(first).not.toContain(id.slice(0, 8));
});

test("a domain that could break out of the header is refused", () => {
  for (const domain of ["", "a>b", "a b", "a\r\nX: y", ".example.com", "exämple.com"]) {
    expect(() => messageIdFor(id, domain, secret)).toThrow("domain");
  }
  expect(() => messageIdFor(id, "example.com", "short")).toThrow("16 characters");
});
