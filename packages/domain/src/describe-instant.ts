import { DateTime } from "luxon";

/** "Monday 2026-11-23 09:07", on the wall clock of `zone`. Throws nothing; a zone that is none gives "Invalid DateTime". */
export function localMoment(at: Date, zone: string): string {
  return DateTime.fromJSDate(at, { zone }).setLocale("en").toFormat("cccc yyyy-MM-dd HH:mm");
}

/** "Monday 2026-11-23 09:07 in Asia/Bangkok". */
export function describeInstant(at: Date, zone: string): string {
  return `${localMoment(at, zone)} in ${zone}`;
}
