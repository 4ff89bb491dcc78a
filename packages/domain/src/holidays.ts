import Holidays, { type HolidaysTypes } from "date-holidays";
import { DAY, MINUTE } from "./local-time.ts";

/** Whose public holidays: an ISO 3166-1 country and, if a part of it has its own, that part ("BY", "LA.NO"), in capitals. */
export interface CalendarName {
  country: string;
  region: string | null;
}

/** A public holiday of one local date. */
export interface PublicHoliday {
  /** In English where the calendar knows it, else in the country's language. */
  name: string;
  /** The minute of the day from which the date is closed: 0 for the whole date, 780 for one that begins at 13:00. */
  closedFromMinute: number;
}

/** Whether there is a calendar of this name. */
export function isHolidayCalendar(name: CalendarName): boolean {
  return libraryKey(name) !== undefined;
}

/** What to tell somebody who named another one. */
export function notAHolidayCalendar({ country, region }: CalendarName): string {
  if (region === null || libraryKey({ country, region: null }) === undefined) {
    return `there is no holiday calendar for "${country}"; write the country's two-letter ISO code, such as "TH" or "DE"`;
  }
  const regions = [...calendarKeys(country).keys()].filter((known) => known !== "");
  if (regions.length === 0)
    return `the holiday calendar of "${country}" has no regions, so no "${region}": leave the region out`;
  return `there is no holiday calendar for "${region}" in "${country}"; its regions are ${regions.join(", ")}`;
}

/**
 * The public holiday of a local date, given as days since 1970-01-01; null if it is none. Days off in lieu count as the
 * library has them, also across a year's end. Throws a RangeError if there is no such calendar.
 *
 * A holiday closes the local dates that its calendar names, whatever zone somebody is in:
 * - one that begins at midnight closes its dates whole;
 * - one that begins at sunset (Hebrew and Islamic calendars) closes the dates whose daylight it covers, whole, and
 *   leaves the evening before open: Eid al-Fitr of 2026-03-20 does not close 2026-03-19;
 * - one that begins at a time of day closes its date from then on.
 *
 * Nothing is known before 1970 or after 2099, where rules by moon and sun leave the library's tables: no holidays there.
 */
export function publicHolidayOn(name: CalendarName, day: number): PublicHoliday | null {
  return holidaysOf(name)(day);
}

/** Looks up local dates of one calendar: worth keeping by who asks often. Throws a RangeError if there is no such calendar. */
export function holidaysOf(name: CalendarName): (day: number) => PublicHoliday | null {
  const known = lookUps.get(`${name.country} ${name.region}`);
  if (known !== undefined) return known;

  const key = libraryKey(name);
  if (key === undefined) throw new RangeError(notAHolidayCalendar(name));
  if (lookUps.size >= lookUpsMax) lookUps.clear();
  const found = lookUpIn(key);
  lookUps.set(`${name.country} ${name.region}`, found);
  return found;
}

// The library takes about 5 ms for a year of one calendar; a year that has been read is an array of its days, 3 kB. All
// years of a calendar are kept, since a plan of many business days goes through them for each person anew; the bound on
// calendars keeps a process that sees every one there is (628) below 25 MB.
const lookUps = new Map<string, (day: number) => PublicHoliday | null>();
const lookUpsMax = 60;
const firstYear = 1970;
const lastYear = 2099;

interface YearOfDays {
  firstDay: number;
  holidays: (PublicHoliday | null)[];
}

function lookUpIn(key: string): (day: number) => PublicHoliday | null {
  const years = new Map<number, YearOfDays>();
  return (day) => {
    const yearNumber = new Date(day * DAY).getUTCFullYear();
    let year = years.get(yearNumber);
    if (year === undefined) {
      if (!(yearNumber >= firstYear && yearNumber <= lastYear)) return null;
      year = readYear(key, yearNumber);
      years.set(yearNumber, year);
    }
    return year.holidays[day - year.firstDay] ?? null;
  };
}

function readYear(key: string, year: number): YearOfDays {
  const firstDay = dayOf(year);
  const holidays = new Array<PublicHoliday | null>(dayOf(year + 1) - firstDay).fill(null);
  const library = new Holidays(key, { types: ["public"] });
  // Last year's too: what begins on 28 December for six days ends in January.
  for (const holiday of [...library.getHolidays(year - 1, "en"), ...library.getHolidays(year, "en")]) {
    const { day, days, closedFromMinute } = datesOf(holiday);
    for (let index = day - firstDay; index < day - firstDay + days; index += 1) {
      if (index < 0 || index >= holidays.length) continue;
      const other = holidays[index];
      if (other && other.closedFromMinute <= closedFromMinute) continue; // two on one date: the longer names it
      holidays[index] = { name: holiday.name, closedFromMinute };
    }
  }
  return { firstDay, holidays };
}

function dayOf(year: number): number {
  return Date.UTC(year, 0, 1) / DAY;
}

/** The local dates from the library's "YYYY-MM-DD HH:MM:SS", which ends in " -0600" for one that begins at the sunset before. */
function datesOf(holiday: HolidaysTypes.Holiday): { day: number; days: number; closedFromMinute: number } {
  const [date = "", time = ""] = holiday.date.split(" ");
  const [hours = 0, minutes = 0] = time.split(":").map(Number);
  // Elapsed time: a date on which clocks change lasts 23 or 25 hours. And Turkey's feasts last from a noon to an evening
  // in the library, written as 90 and 114 hours from sunset: three and four dates. Both come out by rounding down.
  const elapsed = holiday.end.getTime() - holiday.start.getTime();
  return {
    day: Date.parse(`${date}T00:00:00Z`) / DAY,
    days: Math.max(1, Math.floor((elapsed + 60 * MINUTE) / DAY)),
    closedFromMinute: hours * 60 + minutes,
  };
}

// Which calendars there are

const keysOf = new Map<string, ReadonlyMap<string, string>>();

function libraryKey({ country, region }: CalendarName): string | undefined {
  return region === "" ? undefined : calendarKeys(country).get(region ?? "");
}

/** A country's regions in capitals ("" for the country itself), each with the key the library knows it by. */
function calendarKeys(country: string): ReadonlyMap<string, string> {
  if (keysOf.size === 0) {
    const library = new Holidays();
    for (const code of Object.keys(library.getCountries())) keysOf.set(code, regionKeys(library, code));
  }
  return keysOf.get(country) ?? new Map<string, string>();
}

function regionKeys(library: Holidays, country: string): ReadonlyMap<string, string> {
  const keys = new Map([["", country]]);
  for (const state of Object.keys(library.getStates(country) ?? {})) {
    keys.set(state.toUpperCase(), `${country}.${state}`);
    for (const part of Object.keys(library.getRegions(country, state) ?? {})) {
      keys.set(`${state}.${part}`.toUpperCase(), `${country}.${state}.${part}`);
    }
  }
  return keys;
}
