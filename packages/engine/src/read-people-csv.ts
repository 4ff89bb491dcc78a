import { isTimeZone, notATimeZone } from "@dripline/domain/time-zone";
import { readCsv } from "./read-csv.ts";

export type PeopleCsvRow =
  | {
      readonly kind: "person";
      /** Where the row begins in the text, from 1. */
      readonly line: number;
      readonly email: string;
      readonly timezone: string | null;
      readonly companyTimezone: string | null;
    }
  /** This row is left out; the others are not. */
  | { readonly kind: "bad_row"; readonly line: number; readonly message: string }
  /** Nothing can be read from this text. It is the only row then. */
  | { readonly kind: "unreadable"; readonly message: string };

/**
 * Reads people from a CSV as it comes, row by row: a header that names `email` and perhaps `timezone` and
 * `company_timezone`, in any order and among others. How a CSV is read, `readCsv` says; what an address is,
 * `problemWithEmail` says.
 */
export async function* readPeopleCsv(
  source: AsyncIterable<string> | Iterable<string>,
  problemWithEmail: (email: string) => string | undefined,
): AsyncGenerator<PeopleCsvRow> {
  const { records } = await readCsv(source);
  let columns: string[] | undefined;
  for await (const record of records) {
    if (record.kind === "broken_off") return yield { ...record, kind: "bad_row" };
    if (columns !== undefined) {
      yield toRow({ columns, cells: record.cells, line: record.line }, problemWithEmail);
      continue;
    }
    columns = record.cells.map((name) => name.toLowerCase().replaceAll(/[\s-]+/g, "_"));
    if (columns.includes("email")) continue;
    return yield unreadable(`its first line names no column "email", only: ${columns.join(", ").slice(0, 200)}`);
  }
  if (columns === undefined) yield unreadable("it is empty");
}

function unreadable(what: string): PeopleCsvRow {
  return { kind: "unreadable", message: `The CSV cannot be read: ${what}.` };
}

function toRow(
  { columns, cells, line }: { readonly columns: string[]; readonly cells: string[]; readonly line: number },
  problemWithEmail: (email: string) => string | undefined,
): PeopleCsvRow {
  const bad = (message: string): PeopleCsvRow => ({ kind: "bad_row", line, message });
  const cell = (name: string) => cells[columns.indexOf(name)] ?? "";
  const email = cell("email");
  if (cells.length > columns.length) return bad(`has ${cells.length} fields, but the header names ${columns.length}`);
  if (email === "") return bad("has no email");
  const problem = problemWithEmail(email);
  if (problem !== undefined) return bad(`${JSON.stringify(email.slice(0, 100))} ${problem}`);

  const [timezone, companyTimezone] = [cell("timezone") || null, cell("company_timezone") || null];
  for (const zone of [timezone, companyTimezone]) {
    if (zone !== null && !isTimeZone(zone)) return bad(notATimeZone(zone.slice(0, 100)));
  }
  return { kind: "person", line, email, timezone, companyTimezone };
}
