import { localTime, MINUTE } from "./local-time.ts";

/**
 * The instant as people in `zone` write it, with the offset that holds there then: "2026-11-23T09:00:00+07:00" (RFC 3339).
 * Throws a RangeError for a zone that is none or an invalid date.
 */
export function localDateTime(zone: string, at: Date): string {
  const local = localTime(zone, at.getTime());
  const minutes = Math.round((local - at.getTime()) / MINUTE);
  const offset = new Date(Math.abs(minutes) * MINUTE).toISOString().slice(11, 16);
  return `${new Date(local).toISOString().slice(0, 19)}${minutes < 0 ? "-" : "+"}${offset}`;
}
