/** A row of a file that failed, and why. */
export interface ListedFailure {
  readonly rowNumber: number;
  readonly code: string;
  readonly message: string;
  readonly fields: readonly string[];
}

/**
 * Writes failed rows as a CSV (RFC 4180, with a byte order mark so that spreadsheets take it for UTF-8): their fields as
 * they were under the file's own names, and after them why. Put right, it can be imported in place of the first.
 */
export async function* writeFailuresCsv(
  columns: readonly string[],
  failures: AsyncIterable<ListedFailure>,
): AsyncGenerator<string> {
  yield `\uFEFF${record([...columns, "import_row", "import_code", "import_reason"])}`;
  for await (const { fields, rowNumber, code, message } of failures) {
    const own = Array.from({ length: columns.length }, (_, index) => fields[index] ?? "");
    // What stands beyond the last column would push the reasons out of theirs.
    const surplus = fields.slice(columns.length);
    yield record([...own, String(rowNumber), code, message, ...surplus]);
  }
}

function record(fields: readonly string[]): string {
  return `${fields.map(field).join(",")}\r\n`;
}

// A spreadsheet takes a field that begins so for a formula, and runs it (CWE-1236); blanks before it do not help.
const formula = /^[\s\uFEFF]*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|^[\t\r\n]/;

function field(text: string): string {
  const harmless = formula.test(text) ? `'${text}` : text;
  return /[",;\t\r\n]/.test(harmless) || harmless !== harmless.trim()
    ? `"${harmless.replaceAll('"', '""')}"`
    : harmless;
}
