import { Readable } from "node:stream";
import { isTimeZone, notATimeZone } from "@dripline/domain/time-zone";
import { type CsvError, parse } from "csv-parse";

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

/** A person is three short cells. A quote that is never closed would otherwise read on to the end of the text. */
const recordBytesMax = 100_000;

/**
 * Reads people from a CSV as it comes, row by row: a header that names `email` and perhaps `timezone` and
 * `company_timezone`, in any order and among others. Commas, semicolons or tabs, whichever the header has, or what Excel's
 * line "sep=;" before it says; quotes as in RFC 4180; a byte order mark is no part of it. What an address is, `problemWithEmail` says.
 */
export async function* readPeopleCsv(
  source: AsyncIterable<string> | Iterable<string>,
  problemWithEmail: (email: string) => string | undefined,
): AsyncGenerator<PeopleCsvRow> {
  const { delimiter, rest } = await takeHeader(source);
  let brokenOff: { readonly line: number; readonly message: string } | undefined;
  const parser = parse({
    bom: true,
    delimiter,
    record_delimiter: "\n",
    info: true,
    raw: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    max_record_size: recordBytesMax,
    ltrim: true, // on the right by `plain`: the parser itself stops at what follows a closing quote
    on_skip: (error, raw) => {
      brokenOff ??= neverClosed(error, raw);
      return undefined;
    },
  });
  const input = Readable.from(withPlainNewlines(rest));
  input.on("error", (error) => parser.destroy(error));
  input.pipe(parser);

  let columns: string[] | undefined;
  try {
    for await (const { record, raw, info } of parser as AsyncIterable<ParsedRecord>) {
      const line = info.lines - newlinesWithin(raw);
      if (brokenOff !== undefined && line >= brokenOff.line) break;
      if (columns !== undefined) {
        yield toRow({ columns, cells: record.map(plain), line }, problemWithEmail);
        continue;
      }
      columns = record.map((name) =>
        plain(name)
          .toLowerCase()
          .replaceAll(/[\s-]+/g, "_"),
      );
      if (columns.includes("email")) continue;
      return yield unreadable(`its first line names no column "email", only: ${columns.join(", ").slice(0, 200)}`);
    }
    if (brokenOff !== undefined) yield { kind: "bad_row", ...brokenOff };
    else if (columns === undefined) yield unreadable("it is empty");
  } finally {
    input.destroy();
    parser.destroy();
  }
}

interface ParsedRecord {
  readonly record: string[];
  readonly raw: string;
  readonly info: { readonly lines: number };
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

/** A cell without the blanks around it, nor the quotes that the parser leaves where a blank follows them. */
function plain(cell: string): string {
  const trimmed = cell.trim();
  return /^".*"$/s.test(trimmed) && trimmed.length > 1 ? trimmed.slice(1, -1) : trimmed;
}

/** The one thing that the parser still refuses: everything after it would be read as one cell. */
function neverClosed(error: CsvError | undefined, raw = ""): { readonly line: number; readonly message: string } {
  const message = "opens a quote that is never closed: neither this row nor anything after it was read";
  const lines = (error as { lines?: number } | undefined)?.lines ?? 1;
  return { line: lines - newlinesWithin(raw), message };
}

function newlinesWithin(raw: string): number {
  return raw.trim().split("\n").length - 1;
}

/** One kind of line end, so that lines can be counted: the parser takes a CR LF inside quotes for two. */
async function* withPlainNewlines(text: AsyncIterable<string>): AsyncGenerator<string> {
  let held = "";
  for await (const chunk of text) {
    const whole = held + chunk;
    held = whole.endsWith("\r") ? "\r" : "";
    yield whole.slice(0, whole.length - held.length).replaceAll(/\r\n?/g, "\n");
  }
  if (held !== "") yield "\n";
}

/**
 * What separates the cells, and the whole text again. Excel says it in a line of its own before the header ("sep=;"), which
 * is left blank here so that lines are still counted right; otherwise the first line that is not blank shows it.
 */
async function takeHeader(
  source: AsyncIterable<string> | Iterable<string>,
): Promise<{ readonly delimiter: string; readonly rest: AsyncIterable<string> }> {
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  let head = "";
  let isOver = false;
  while (!isOver && !/\S[^\r\n]*[\r\n]/.test(head) && head.length < recordBytesMax) {
    const chunk = await iterator.next();
    if (chunk.done) isOver = true;
    else head += chunk.value;
  }
  const said = /^\uFEFF?"?sep=([^\r\n"])"?(?=[\r\n]|$)/i.exec(head);
  async function* rest(): AsyncGenerator<string> {
    yield head.slice(said?.[0].length ?? 0);
    for (let chunk = await iterator.next(); !chunk.done; chunk = await iterator.next()) yield chunk.value;
  }
  return { delimiter: said?.[1] ?? delimiterOf(/\S[^\r\n]*/.exec(head)?.[0] ?? ""), rest: rest() };
}

/** Of comma, semicolon and tab the one that the header has most often, outside quotes. */
function delimiterOf(header: string): string {
  const bare = header.replaceAll(/"[^"]*"/g, "");
  const counts = [",", ";", "\t"].map((delimiter) => ({ delimiter, count: bare.split(delimiter).length }));
  return counts.reduce((most, each) => (each.count > most.count ? each : most)).delimiter;
}
