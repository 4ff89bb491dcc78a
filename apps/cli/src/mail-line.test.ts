import { expect, test } from "vitest";
import { mailLine } from "./mail-line.ts";

test("an email is one line, whatever its subject holds", () => {
  const line = mailLine({
    receivedAt: new Date(2026, 10, 22, 18, 40, 2),
    to: ["ada@example.com"],
    subject: "Welcome\r\n\u001b[2J to \u202eit",
  });
  expect(line).toMatch(/^✉ 18:40:02 ada@example\.com {15}Welcome \[2J to {1,2}it$/);
});
