import type { ImportLayout } from "@dripline/db/schema/imports";
import type { ImportEncoding, ImportOptions } from "@dripline/domain/import-options";
import { decodeText, encodingOfMark, UndecodableError } from "./decode-text.ts";
import { readCsv } from "./read-csv.ts";

export type Survey =
  | { readonly kind: "readable"; readonly layout: ImportLayout; readonly rowsTotal: number }
  /** A sentence with what to do. */
  | { readonly kind: "unreadable"; readonly message: string };

/**
 * Reads a file once, from its first byte to its last, to know how it is written and how many rows it has before any of
 * them counts. `open` begins at the first byte each time that it is called.
 */
export async function surveyImport(
  open: () => AsyncIterable<Uint8Array>,
  options: Pick<ImportOptions, "encoding" | "delimiter" | "has_header">,
): Promise<Survey> {
  const start = await firstPiece(open());
  if (start === undefined) return unreadable("it is empty");
  if (isZip(start)) return unreadable("it is an Excel workbook or another archive: save it as CSV first");
  const marked = encodingOfMark(start);
  const encodings: readonly ImportEncoding[] =
    options.encoding !== "auto" ? [options.encoding] : marked === undefined ? ["utf-8", "windows-1252"] : [marked];
  let problem = "";
  for (const encoding of encodings) {
    try {
      return await surveyAs(open, encoding, options);
    } catch (error) {
      if (!(error instanceof UndecodableError)) throw error;
      problem = `${error.message}: say in \`encoding\` what it is`;
    }
  }
  return unreadable(problem);
}

async function surveyAs(
  open: () => AsyncIterable<Uint8Array>,
  encoding: ImportEncoding,
  { delimiter: given, has_header: hasHeader }: Pick<ImportOptions, "delimiter" | "has_header">,
): Promise<Survey> {
  const { delimiter, records } = await readCsv(decodeText(open(), encoding), given === "auto" ? undefined : given);
  let columns: readonly string[] | undefined;
  let rowsTotal = 0;
  for await (const record of records) {
    if (record.kind === "broken_off") return unreadable(`its line ${record.line} ${record.message}`);
    if (columns !== undefined || !hasHeader) rowsTotal += 1;
    columns ??= hasHeader ? record.cells : record.cells.map((_, index) => `column ${index + 1}`);
  }
  if (columns === undefined) return unreadable("it is empty");
  if (columns.some((name) => name.includes("\0"))) {
    return unreadable("it looks like UTF-16 without a byte order mark: say `utf-16le` in `encoding`");
  }
  return { kind: "readable", layout: { encoding, delimiter, columns }, rowsTotal };
}

function unreadable(what: string): Survey {
  return { kind: "unreadable", message: `The file cannot be read: ${what}.` };
}

async function firstPiece(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array | undefined> {
  for await (const piece of pieces) if (piece.length > 0) return piece;
  return undefined;
}

function isZip(start: Uint8Array): boolean {
  return start[0] === 0x50 && start[1] === 0x4b && start[2] === 0x03 && start[3] === 0x04;
}
