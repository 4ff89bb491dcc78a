import { z } from "zod";
import { countryCodes } from "./country-codes.ts";

export const Id = z.uuid("is not a UUID");

const instantMessage = 'is not a date-time such as "2027-01-01T09:00:00Z" or "2027-01-01T09:00:00+07:00"';

/** RFC 3339 on the wire, read with any offset and written in UTC with milliseconds; a Date in the program. */
export const Instant = z.codec(
  z.iso.datetime({ offset: true, error: instantMessage }).refine(hasYear, "is not in the years 1 to 9999 in UTC"),
  z.date(),
  {
    decode: (text) => new Date(text),
    encode: (date) => date.toISOString(),
  },
);

/** PostgreSQL knows no year 0, and RFC 3339 none of five digits; an offset can lead to either. */
function hasYear(text: string): boolean {
  const year = new Date(text).getUTCFullYear();
  return !(year < 1 || year > 9_999); // of what is no date-time at all, the format says so
}

// A lone surrogate is no character and PostgreSQL stores no U+0000: both would be an internal error further down.
const unstorable = /[\0\p{Cs}]/u;
const control = /[\p{Cc}\p{Cs}]/u;

/** Text on one line: no control characters, so that it can stand in a mail header. Not blank. */
export function line(charactersMax: number) {
  return optionalLine(charactersMax).regex(/\S/u, "must not be empty");
}

/** As `line`, but may be empty. */
export function optionalLine(charactersMax: number) {
  return z
    .string()
    .max(charactersMax, `is longer than ${charactersMax} characters`)
    .refine((text) => !control.test(text), "must be a single line without control characters");
}

/** Text of any number of lines; may be empty. */
export function text(charactersMax: number) {
  return z
    .string()
    .max(charactersMax, `is longer than ${charactersMax} characters`)
    .refine((value) => !unstorable.test(value), "contains a character that cannot be stored (U+0000 or half a pair)");
}

const attributesDepthMax = 5;
const attributesCharactersMax = 16_384;

/** Free data of a contact or company, for use in templates: any JSON object of moderate size. */
export const Attributes = z
  .record(z.string(), z.json())
  .refine((value) => isStorable(value, attributesDepthMax), {
    error: `is nested deeper than ${attributesDepthMax} levels, or contains a character that cannot be stored`,
  })
  .refine((value) => JSON.stringify(value).length <= attributesCharactersMax, {
    error: `is longer than ${attributesCharactersMax} characters as JSON`,
  });

function isStorable(value: unknown, depth: number): boolean {
  if (typeof value === "string") return !unstorable.test(value);
  if (typeof value !== "object" || value === null) return true;
  if (depth === 0) return false;
  return Object.entries(value).every(([key, inner]) => !unstorable.test(key) && isStorable(inner, depth - 1));
}

/** ISO 3166-1 alpha-2, upper case. */
export const CountryCode = z
  .string()
  .regex(/^[A-Z]{2}$/, { error: 'is not a country code of two capital letters, such as "TH"', abort: true })
  .refine((code) => countryCodes.has(code), "is not the code of a country in ISO 3166-1; the United Kingdom's is GB");
