import { expect, test } from "vitest";
import { EmailAddress, problemWithEmailAddress } from "./email-address.ts";

test.each([
  "ann@example.com",
  "Ann.Lee+news@mail.example.co.th",
  "o'neill@example.com",
  "a@b.co",
  "x_y-z@xn--mnchen-3ya.de",
  `${"l".repeat(64)}@example.com`,
])("%s is an address", (address) => {
  expect(problemWithEmailAddress(address)).toBeUndefined();
});

test.each([
  ["", /no "@"/],
  ["ann", /no "@"/],
  ["@example.com", /before the "@"/],
  ["ann@", /after the "@"/],
  ["a@b@example.com", /more than one "@"/],
  ["ann@example.com, bob@example.com", /more than one mailbox/],
  ["ann@example.com;bob@example.com", /more than one mailbox/],
  ["Ann <ann@example.com>", /bare address/],
  ['"ann lee"@example.com', /bare address/],
  [" ann@example.com", /space/],
  ["ann@exam ple.com", /space/],
  ["ann@example.com\r\nBcc: bob@example.com", /control character/],
  ["ann\0@example.com", /control character/],
  ["ann@localhost", /without a dot/],
  ["ann@example..com", /domain that is not valid/],
  ["ann@-example.com", /domain that is not valid/],
  ["ann@[127.0.0.1]", /domain that is not valid/],
  ["ann@127.0.0.1", /ends in a number/],
  [".ann@example.com", /part before the "@"/],
  ["an..n@example.com", /part before the "@"/],
  ["an,n@example.com", /part before the "@"/],
  ["jürgen@example.com", /not supported yet/],
  ["ann@münchen.de", /xn--/],
  [`${"l".repeat(65)}@example.com`, /64 characters/],
  [`ann@${"d.".repeat(130)}com`, /254 characters/],
])("%j is refused with a reason", (address, reason) => {
  expect(problemWithEmailAddress(address)).toMatch(reason);
});

test("a text of a megabyte is refused at once", () => {
  const startedAt = performance.now();

  expect(EmailAddress.safeParse("a@".repeat(500_000)).success).toBe(false);
  expect(EmailAddress.safeParse(`${"a.".repeat(500_000)}@`).success).toBe(false);

  expect(performance.now() - startedAt).toBeLessThan(1_000);
});
