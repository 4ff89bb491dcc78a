import Holidays from "date-holidays";
import { describe, expect, test } from "vitest";
import { holidaysOf, isHolidayCalendar, notAHolidayCalendar, publicHolidayOn } from "./holidays.ts";

/** "DE" or "DE.BY": what a date is there, with the time from which it is closed if that is not midnight. */
function holiday(calendar: string, date: string): string | null {
  const [country = "", ...region] = calendar.split(".");
  const found = publicHolidayOn({ country, region: region.join(".") || null }, Date.parse(date) / 86_400_000);
  if (found === null) return null;
  const from = new Date(found.closedFromMinute * 60_000).toISOString().slice(11, 16);
  return from === "00:00" ? found.name : `${found.name} from ${from}`;
}

describe("a public holiday", () => {
  test.each([
    ["DE", "2026-12-25", "Christmas Day"],
    ["DE", "2026-12-24", null], // no public holiday in Germany
    ["DE", "2026-10-03", "National Holiday"],
    ["TH", "2026-04-12", null],
    ["TH", "2026-04-13", "Songkran Festival"],
    ["TH", "2026-04-14", "Songkran Festival"],
    ["TH", "2026-04-15", "Songkran Festival"],
    ["TH", "2026-04-16", null],
    ["TH", "2026-12-31", "New Year's Eve"],
    ["JP", "2026-05-04", "Greenery Day"],
    ["JP", "2026-09-21", "Respect-for-the-Aged Day"],
    ["JP", "2026-09-22", "Citizens' Holiday"], // because it lies between two others
    ["JP", "2026-09-23", "Autumnal Equinox Day"],
    ["US", "2024-02-29", null],
    ["US", "2028-02-21", "Washington's Birthday"], // also in a leap year
    ["US", "2028-12-25", "Christmas Day"],
    ["AT", "2026-10-26", "National Holiday"], // the date after clocks went back
  ])("of %s on %s: %s", (calendar, date, expected) => {
    expect(holiday(calendar, date)).toBe(expected);
  });

  test.each([
    ["DE", "2026-06-04", null],
    ["DE.BY", "2026-06-04", "Corpus Christi"],
    ["DE.BE", "2026-06-04", null],
    ["DE.BY", "2026-08-08", null],
    ["DE.BY.A", "2026-08-08", "Augsburg Peace Festival"],
    ["US", "2026-02-17", null],
    ["US.LA.NO", "2026-02-17", "Mardi Gras"],
    ["GB", "2026-01-02", null],
    ["GB.SCT", "2026-01-02", "January 2nd"],
  ])("is one of the region: in %s %s is %s", (calendar, date, expected) => {
    expect(holiday(calendar, date)).toBe(expected);
  });

  test.each([
    ["US", "2021-12-31", "New Year's Day (substitute day)"], // of 2022
    ["US", "2022-01-01", "New Year's Day"],
    ["US", "2023-01-02", "New Year's Day (substitute day)"],
    ["US", "2026-07-03", "Independence Day (substitute day)"],
    ["US", "2027-07-05", "Independence Day (substitute day)"],
    ["GB", "2027-12-27", "Christmas Day (substitute day)"],
    ["GB", "2027-12-28", "Boxing Day (substitute day)"],
    ["GB", "2027-12-29", null],
    ["GB", "2028-01-03", "New Year's Day (substitute day)"],
    ["JP", "2026-05-06", "Constitution Day (substitute day)"],
  ])("that falls on a day off is made up for: in %s %s is %s", (calendar, date, expected) => {
    expect(holiday(calendar, date)).toBe(expected);
  });

  test.each([
    ["SZ", "2026-12-27", false],
    ["SZ", "2026-12-28", true],
    ["SZ", "2026-12-31", true],
    ["SZ", "2027-01-02", true], // 28 December for six days
    ["SZ", "2027-01-03", false],
  ])("of several days goes on in the new year: %s %s is %s", (calendar, date, expected) => {
    expect(holiday(calendar, date) !== null).toBe(expected);
  });

  test.each([
    ["TR", "2026-03-19", null], // the evening on which it begins
    ["TR", "2026-03-20", "End of Ramadan (Eid al-Fitr)"],
    ["TR", "2026-03-22", "End of Ramadan (Eid al-Fitr)"],
    ["TR", "2026-03-23", null], // three dates
    ["TR", "2026-05-26", null],
    ["TR", "2026-05-27", "Feast of the Sacrifice (Eid al-Adha)"],
    ["TR", "2026-05-30", "Feast of the Sacrifice (Eid al-Adha)"],
    ["TR", "2026-05-31", null], // four dates
    ["IL", "2026-09-20", null],
    ["IL", "2026-09-21", "Day of Atonement (Yom Kippur)"],
    ["IL", "2026-09-22", null],
    ["BA", "2025-03-29", null], // three dates, one of them of 23 hours
    ["BA", "2025-03-30", "End of Ramadan (Eid al-Fitr)"],
    ["BA", "2025-04-01", "End of Ramadan (Eid al-Fitr)"],
    ["BA", "2025-04-02", null],
  ])("that begins at sunset closes the dates after it, whole: %s %s is %s", (calendar, date, expected) => {
    expect(holiday(calendar, date)).toBe(expected);
  });

  test.each([
    ["IS", "2026-12-24", "Christmas Eve from 13:00"],
    ["IS", "2026-12-25", "Christmas Day"],
    ["AU.SA", "2026-12-24", "Christmas Eve from 19:00"],
    ["GT", "2026-12-31", "New Year's Eve from 12:00"],
  ])("that begins during the day closes the rest of it: %s %s is %s", (calendar, date, expected) => {
    expect(holiday(calendar, date)).toBe(expected);
  });

  test("is not known of years far away, which is no error", () => {
    for (const date of ["1969-12-25", "2100-12-25", "+123456-12-25", "-000044-03-15"]) {
      for (const calendar of ["US", "TR", "IL", "HK"]) expect(holiday(calendar, date)).toBeNull();
    }
    expect(holiday("US", "1970-12-25")).toBe("Christmas Day");
    expect(holiday("US", "2099-12-25")).toBe("Christmas Day");
  });
});

describe("a calendar", () => {
  test.each([
    ["a country", "TH", null, true],
    ["a region", "DE", "BY", true],
    ["a part of a region", "US", "LA.NO", true],
    ["a region that the library writes in small letters", "CK", "RAROTONGA", true],
    ["no country", "XX", null, false],
    ["a word every object knows", "constructor", null, false],
    ["small letters", "de", null, false],
    ["no region", "DE", "ZZ", false],
    ["no region of another country", "DE", "LA.NO", false],
    ["an empty region", "DE", "", false],
  ])("is named by %s", (_what, country, region, expected) => {
    expect(isHolidayCalendar({ country, region })).toBe(expected);
  });

  test.each([
    ["XX", null, /^there is no holiday calendar for "XX"; write the country's two-letter ISO code/],
    ["XX", "BY", /^there is no holiday calendar for "XX"; write the country's two-letter ISO code/],
    ["DE", "ZZ", /^there is no holiday calendar for "ZZ" in "DE"; its regions are .*BW, .*BY, .*TH/],
    ["JP", "13", /^the holiday calendar of "JP" has no regions, so no "13": leave the region out$/],
  ])("that does not exist (%s, %s) is refused with what there is", (country, region, message) => {
    expect(notAHolidayCalendar({ country, region })).toMatch(message);
    expect(() => holidaysOf({ country, region })).toThrow(message);
  });

  test("of a region and that of its country keep apart, however they are asked in turn", () => {
    const day = Date.parse("2026-06-04") / 86_400_000;
    const [country, region] = [
      holidaysOf({ country: "DE", region: null }),
      holidaysOf({ country: "DE", region: "BY" }),
    ];
    expect([country(day), region(day)?.name, country(day), region(day)?.name]).toEqual([
      null,
      "Corpus Christi",
      null,
      "Corpus Christi",
    ]);
  });

  test("answers the same however many years it has been asked for", () => {
    const lookUp = holidaysOf({ country: "DE", region: null });
    const christmasOf = (year: number) => lookUp(Date.UTC(year, 11, 25) / 86_400_000)?.name;
    for (let year = 2020; year < 2080; year += 1) expect(christmasOf(year)).toBe("Christmas Day");
    expect(christmasOf(2020)).toBe("Christmas Day");
  });

  test("answers the same after more calendars have been asked than are kept", () => {
    const day = Date.parse("2026-12-25") / 86_400_000;
    const before = publicHolidayOn({ country: "DE", region: null }, day);
    for (const country of Object.keys(new Holidays().getCountries())) holidaysOf({ country, region: null });
    expect(publicHolidayOn({ country: "DE", region: null }, day)).toEqual(before);
  });
});
