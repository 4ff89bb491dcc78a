import { describe, expect, test } from "vitest";
import { isTimeZone, resolveZone, TimeZone } from "./time-zone.ts";

describe("a time zone", () => {
  test.each([
    "Asia/Bangkok",
    "Asia/Kathmandu",
    "America/Argentina/Buenos_Aires",
    "Australia/Lord_Howe",
    "Europe/Kyiv",
    "US/Eastern",
    "Etc/GMT+7",
    "UTC",
    "GMT",
    "CET",
    "Japan",
    "asia/bangkok",
  ])("%s is one", (name) => {
    expect(isTimeZone(name)).toBe(true);
    expect(TimeZone.parse(name)).toBe(name);
  });

  test.each([
    ["an offset", "+07:00"],
    ["an offset", "+7"],
    ["an offset from UTC", "UTC+7"],
    ["an offset from UTC", "utc+07:00"],
    ["an offset from GMT", "GMT+7"],
    ["a word luxon knows", "local"],
    ["a word luxon knows", "system"],
    ["a word luxon knows", "default"],
    ["an abbreviation only the engine knows", "PST"],
    ["an abbreviation only the engine knows", "IST"],
    ["an abbreviation only the engine knows", "BST"],
    ["an abbreviation nobody knows", "ICT"],
    ["a relic of ICU", "SystemV/EST5"],
    ["a place that does not exist", "Mars/Olympus_Mons"],
    ["a place without its area", "Bangkok"],
    ["blank space around a name", " Asia/Bangkok"],
    ["nothing", ""],
    ["a name as long as a novel", `Asia/${"Bangkok".repeat(1_000)}`],
  ])("%s is none: %s", (_what, name) => {
    expect(isTimeZone(name)).toBe(false);
    expect(TimeZone.safeParse(name).success).toBe(false);
  });

  test("the answer to a wrong name says what to write", () => {
    expect(TimeZone.safeParse("+07:00").error?.issues[0]?.message).toBe(
      '"+07:00" is not an IANA time zone; write a name such as "Asia/Bangkok", "Europe/Berlin" or "UTC", not an offset or an abbreviation',
    );
    expect(TimeZone.safeParse(7).error?.issues[0]?.message).toBe('a time zone is an IANA name, such as "Asia/Bangkok"');
  });

  test("more names than are remembered change no answer", () => {
    for (let index = 0; index < 2_500; index += 1) expect(isTimeZone(`Nowhere/${index}`)).toBe(false);
    expect(isTimeZone("Asia/Bangkok")).toBe(true);
    expect(isTimeZone("Nowhere/1")).toBe(false);
  });
});

describe("whose zone counts", () => {
  const own = { timezone: "Asia/Bangkok", usesContactTimezone: false };
  const theirs = { timezone: "Asia/Bangkok", usesContactTimezone: true };

  const [bangkok, berlin, newYork] = ["Asia/Bangkok", "Europe/Berlin", "America/New_York"] as const;

  test.each([
    ["the contact's, if the schedule says so", theirs, berlin, newYork, { zone: berlin, source: "contact" }],
    ["the contact's, also without a company", theirs, berlin, null, { zone: berlin, source: "contact" }],
    ["the company's, if the contact has none", theirs, null, newYork, { zone: newYork, source: "company" }],
    ["the company's, if the contact's is no zone", theirs, "+02:00", newYork, { zone: newYork, source: "company" }],
    ["the company's, if the contact's is empty", theirs, "", newYork, { zone: newYork, source: "company" }],
    ["the contact's, whatever the company's is", theirs, berlin, "Mars/Base", { zone: berlin, source: "contact" }],
    ["the schedule's, if it does not say so", own, berlin, newYork, { zone: bangkok, source: "schedule" }],
    ["the schedule's, if neither has one", theirs, null, null, { zone: bangkok, source: "schedule" }],
    ["the schedule's, if neither is a zone", theirs, "+02:00", "PST", { zone: bangkok, source: "schedule" }],
    ["the schedule's, if the company's is no zone", theirs, null, "", { zone: bangkok, source: "schedule" }],
    [
      "the schedule's, if it does not say so and nobody has one",
      own,
      null,
      null,
      { zone: bangkok, source: "schedule" },
    ],
  ])("%s", (_rule, schedule, contact, company, expected) => {
    expect(resolveZone(schedule, { contact, company })).toEqual(expected);
  });

  test("the company's too when it is the same as the schedule's: the source says where it came from", () => {
    expect(resolveZone(theirs, { contact: null, company: bangkok })).toEqual({ zone: bangkok, source: "company" });
  });
});
