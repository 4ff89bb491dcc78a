import type { ImportFailure } from "@dripline/db/record-import-batch";
import type { ImportedContact } from "@dripline/domain/plan-import";

/** One row of a file, by its number, from 1. */
export interface ImportRecord {
  readonly rowNumber: number;
  readonly cells: readonly string[];
}

/** What a row says, checked as the API checks a contact. The contract's `readImportedContact` is one. */
export type ReadContact = (
  values: ReadonlyMap<string, string>,
) =>
  | { readonly kind: "contact"; readonly contact: ImportedContact }
  | { readonly kind: "invalid"; readonly code: string; readonly message: string };

export type ReadRow =
  | { readonly kind: "contact"; readonly record: ImportRecord; readonly contact: ImportedContact }
  | { readonly kind: "failed"; readonly failure: ImportFailure };

/** Reads one row by the places of its columns. Fields that are missing at its end are empty. */
export function readImportRow(
  record: ImportRecord,
  file: { readonly places: ReadonlyMap<string, number>; readonly columnsCount: number },
  readContact: ReadContact,
): ReadRow {
  const { cells } = record;
  if (cells.slice(file.columnsCount).some((cell) => cell !== "")) {
    const message = `The row has ${cells.length} fields, and the file has ${file.columnsCount} columns.`;
    return { kind: "failed", failure: rowFailure(record, { code: "too_many_fields", message }) };
  }
  const read = readContact(new Map([...file.places].map(([target, place]) => [target, cells[place] ?? ""])));
  if (read.kind === "invalid") return { kind: "failed", failure: rowFailure(record, read) };
  return { kind: "contact", record, contact: read.contact };
}

export function rowFailure(
  { rowNumber, cells }: ImportRecord,
  { code, message }: { readonly code: string; readonly message: string },
): ImportFailure {
  return { rowNumber, code, message: storable(message), fields: cells.map(storable) };
}

/** PostgreSQL stores neither U+0000 nor half a pair: what is listed shows that something was there. */
function storable(text: string): string {
  return text.replaceAll("\0", "\uFFFD").toWellFormed();
}
