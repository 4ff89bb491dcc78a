import { Readable } from "node:stream";
import { type CsvError, parse } from "csv-parse";

export type CsvRecord =
  /** `line`: where the record begins in the text, from 1. */
  | { readonly kind: "record"; readonly line: number; readonly cells: string[] }
  /** Neither this record nor anything after it can be read. It is the last one then. */
  | { readonly kind: "broken_off"; readonly line: number; readonly message: string };

export interface Csv {
  readonly delimiter: string;
  readonly records: AsyncGenerator<CsvRecord>;
}

/** Records are short. A quote that is never closed would otherwise read on to the end of the text. */
const recordBytesMax = 100_000;

/**
 * Reads a CSV as it comes, record by record. Without a `delimiter` it is comma, semicolon or tab, whichever the first line
 * has most often, or what Excel's line "sep=;" before it says; quotes as in RFC 4180, line ends of any kind, also within
 * quotes, where they become LF; a byte order mark is no part of it. Records of empty cells alone are left out.
 */
export async function readCsv(source: AsyncIterable<string> | Iterable<string>, delimiter?: string): Promise<Csv> {
  const { delimiter: detected, rest } = await takeHeader(source);
  const used = delimiter ?? detected;
  return { delimiter: used, records: readRecords(rest, used) };
}

async function* readRecords(text: AsyncIterable<string>, delimiter: string): AsyncGenerator<CsvRecord> {
  let brokenOff: Omit<Extract<CsvRecord, { kind: "broken_off" }>, "kind"> | undefined;
  const parser = parse({
    bom: true,
    delimiter,
    record_delimiter: "\n",
    info: true,
    raw: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    skip_records_with_empty_values: true,
    skip_records_with_error: true,
    max_record_size: recordBytesMax,
    ltrim: true, // on the right by `plain`: the parser itself stops at what follows a closing quote
    on_skip: (error, raw) => {
      brokenOff ??= withoutEnd(error, raw);
      return undefined;
    },
  });
  const input = Readable.from(withPlainNewlines(text));
  input.on("error", (error) => parser.destroy(error));
  input.pipe(parser);
  try {
    for await (const { record, raw, info } of parser as AsyncIterable<ParsedRecord>) {
      const line = info.lines - newlinesWithin(raw);
      if (brokenOff !== undefined && line >= brokenOff.line) break;
      yield { kind: "record", line, cells: record.map(plain) };
    }
    if (brokenOff !== undefined) yield { kind: "broken_off", ...brokenOff };
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

/** A cell without the blanks around it, nor the quotes that the parser leaves where a blank follows them. */
function plain(cell: string): string {
  const trimmed = cell.trim();
  return /^".*"$/s.test(trimmed) && trimmed.length > 1 ? trimmed.slice(1, -1) : trimmed;
}

/** What the parser still refuses: a record without an end, most often because everything after a quote is read as one cell. */
function withoutEnd(error: CsvError | undefined, raw = ""): { readonly line: number; readonly message: string } {
  const what = raw.includes('"')
    ? "opens a quote that is never closed"
    : `is longer than ${recordBytesMax.toLocaleString("en-US")} bytes`;
  const message = `${what}: neither this row nor anything after it was read`;
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
