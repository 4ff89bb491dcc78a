import { z } from "zod";

/**
 * IANA names without a slash. Every other one reads Area/Location. JavaScript engines accept more bare words than
 * these, left from Java ("IST", "BST", "CST", "PST"): they mean different zones to different people, so they are no names.
 * Source: the tz database, files `backward` and `etcetera`, 2025c.
 */
const BARE_NAMES: ReadonlySet<string> = new Set(
  [
    "CET CST6CDT Cuba EET EST EST5EDT Egypt Eire GB GB-Eire GMT GMT+0 GMT-0 GMT0 Greenwich HST Hongkong Iceland Iran",
    "Israel Jamaica Japan Kwajalein Libya MET MST MST7MDT NZ NZ-CHAT Navajo PRC PST8PDT Poland Portugal ROC ROK",
    "Singapore Turkey UCT UTC Universal W-SU WET Zulu",
  ]
    .join(" ")
    .toLowerCase()
    .split(" "),
);

// Asking the engine costs about 60 µs, a whole decision must cost less than 20. The bound keeps invented names, and the
// many spellings of real ones that differ in case alone, from filling the memory.
const longestName = 64; // twice the longest there is, America/Argentina/ComodRivadavia
const verdicts = new Map<string, boolean>();
const verdictsMax = 2_000;

/**
 * Whether `name` is an IANA time zone that this machine's tz data knows, in any case, links such as "Asia/Saigon" included.
 * Offsets ("+07:00", "UTC+7") and words such as "local" or "PST" are not.
 */
export function isTimeZone(name: string): boolean {
  if (!looksLikeIana(name)) return false;
  const known = verdicts.get(name);
  if (known !== undefined) return known;

  if (verdicts.size >= verdictsMax) verdicts.clear();
  const verdict = engineKnows(name);
  verdicts.set(name, verdict);
  return verdict;
}

function looksLikeIana(name: string): boolean {
  if (name.length > longestName) return false;
  const lower = name.toLowerCase();
  // "SystemV/…" is an ICU relic that is no longer in the tz database.
  return lower.includes("/") ? !lower.startsWith("systemv/") : BARE_NAMES.has(lower);
}

function engineKnows(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false; // a RangeError: the only thing that can be wrong here is the name
  }
}

/** What to tell somebody who wrote something else. */
export function notATimeZone(name: string): string {
  return `"${name}" is not an IANA time zone; write a name such as "Asia/Bangkok", "Europe/Berlin" or "UTC", not an offset or an abbreviation`;
}

/** An IANA time zone name, as people write it: links and letter case are kept. */
export const TimeZone = z
  .string({ error: 'a time zone is an IANA name, such as "Asia/Bangkok"' })
  .refine(isTimeZone, { error: (issue) => notATimeZone(String(issue.input)) });
export type TimeZone = z.infer<typeof TimeZone>;

export const ZoneSource = z.enum(["contact", "company", "schedule"]);
export type ZoneSource = z.infer<typeof ZoneSource>;

export interface ResolvedZone {
  readonly zone: string;
  readonly source: ZoneSource;
}

/** The zones that people carry; null where nobody knows. */
export interface PeopleZones {
  readonly contact: string | null;
  readonly company: string | null;
}

/**
 * The zone in which a schedule's windows are read for one contact: if the schedule says so, the contact's own, else the
 * company's, whichever is a valid name first (imported rows may carry anything); else the schedule's.
 */
export function resolveZone(
  schedule: { readonly timezone: string; readonly usesContactTimezone: boolean },
  people: PeopleZones,
): ResolvedZone {
  if (schedule.usesContactTimezone) {
    if (people.contact !== null && isTimeZone(people.contact)) return { zone: people.contact, source: "contact" };
    if (people.company !== null && isTimeZone(people.company)) return { zone: people.company, source: "company" };
  }
  return { zone: schedule.timezone, source: "schedule" };
}
