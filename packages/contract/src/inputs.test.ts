import { expect, test } from "vitest";
import { ContactInput } from "./contacts.ts";
import { countryCodes } from "./country-codes.ts";
import { EmailSequenceInput } from "./email-sequences.ts";
import { EnrollInput } from "./sequence-enrollments.ts";
import { delayOf, SequenceStepInput } from "./sequence-steps.ts";

const id = "019a0000-0000-7000-8000-000000000001";
const step = { step_number: 1, name: "Welcome", email_template: id };

function places(result: {
  error?: { issues: { path: PropertyKey[]; message: string }[] } | undefined;
}): Record<string, string> {
  return Object.fromEntries((result.error?.issues ?? []).map(({ path, message }) => [`/${path.join("/")}`, message]));
}

test("delay_days is short for a delay in days, and both may be given if they agree", () => {
  const days = SequenceStepInput.parse({ ...step, sequence: id, delay_days: 3 });
  const both = SequenceStepInput.parse({ ...step, sequence: id, delay_days: 3, delay: { value: 3, unit: "days" } });

  expect(delayOf(days)).toEqual({ value: 3, unit: "days" });
  expect(delayOf(both)).toEqual({ value: 3, unit: "days" });
});

test.each([
  [{}, "/delay_days", /required/],
  [{ delay_days: -1 }, "/delay_days", /zero or more/],
  [{ delay_days: 1.5 }, "/delay_days", /whole number/],
  [{ delay: { value: -1, unit: "hours" } }, "/delay/value", /zero or more/],
  [{ delay: { value: 1, unit: "weeks" } }, "/delay/unit", /business_days/],
  [{ delay_days: 3, delay: { value: 4, unit: "days" } }, "/delay_days", /something else/],
  [{ delay_days: 3, delay: { value: 3, unit: "hours" } }, "/delay_days", /something else/],
])("a step with the delay %j is refused", (delay, pointer, reason) => {
  expect(places(SequenceStepInput.safeParse({ ...step, sequence: id, ...delay }))).toMatchObject({
    [pointer]: expect.stringMatching(reason),
  });
});

test("two steps with one number are refused, and the second is named", () => {
  const steps = [1, 2, 1].map((number) => ({ ...step, step_number: number, delay_days: 0 }));

  expect(places(EmailSequenceInput.safeParse({ name: "Onboarding", steps }))).toEqual({
    "/steps/2/step_number": "another step has the number 1 as well",
  });
});

test.each([
  ["a zone that does not exist", { timezone: "Asia/Atlantis" }, "/timezone"],
  ["a country that does not exist", { country: "XX" }, "/country"],
  ["a country by another code than its own", { country: "UK" }, "/country"],
  ["a country in small letters", { country: "th" }, "/country"],
  ["a line break in a name", { first_name: "Ann\r\nBcc: bob@example.com" }, "/first_name"],
  ["a NUL in an attribute", { attributes: { note: "a\0b" } }, "/attributes"],
  ["half a surrogate pair in an attribute", { attributes: { "\ud800": 1 } }, "/attributes"],
  ["attributes nested too deep", { attributes: { a: { b: { c: { d: { e: { f: 1 } } } } } } }, "/attributes"],
  ["attributes too long", { attributes: { a: "x".repeat(20_000) } }, "/attributes"],
  ["attributes that are a list", { attributes: [] }, "/attributes"],
])("%s is refused", (_, fields, pointer) => {
  expect(Object.keys(places(ContactInput.safeParse({ email: "ann@example.com", ...fields })))).toEqual([pointer]);
});

test("the 249 countries of ISO 3166-1 and Kosovo are known, each by a code that Intl knows as well", () => {
  const names = new Intl.DisplayNames("en", { type: "region", fallback: "none" });

  expect(countryCodes.size).toBe(250);
  for (const code of countryCodes) expect({ code, name: names.of(code) }).toEqual({ code, name: expect.any(String) });
});

test("enroll takes a contact's id or a contact, not both and not neither", () => {
  expect(places(EnrollInput.safeParse({ sequence_id: id }))).toHaveProperty("/contact_id");
  expect(
    places(EnrollInput.safeParse({ sequence_id: id, contact_id: id, contact: { email: "ann@example.com" } })),
  ).toHaveProperty("/contact");
});
