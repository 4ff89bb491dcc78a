import { createReadStream, createWriteStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Database } from "@dripline/db/database";
import type { ImportRow } from "@dripline/db/queries/read-imports";
import { findInstallation } from "../find-installation.ts";
import { followImport } from "../follow-import.ts";
import { readColumns } from "../read-columns.ts";
import { showProgress } from "../show-progress.ts";
import { UserError } from "../user-error.ts";
import { withDatabase } from "../with-database.ts";

export interface ImportCommandOptions {
  /** A path that can be opened as it is. */
  readonly file: string;
  /** `email=E-Mail`, `attributes.plan=3`. */
  readonly map: readonly string[];
  readonly onMatch: string;
  readonly onNew: string;
  /** A character, or the name of one. */
  readonly delimiter: string;
  readonly encoding: string;
  /** Id or exact name of a sequence. */
  readonly enrollIn: string | undefined;
  readonly isDryRun: boolean;
  readonly hasHeader: boolean;
  readonly now: () => Date;
  readonly print: (line: string) => void;
}

/**
 * Takes a file of contacts in, as the API does: the file is stored, and read in by this process or by a worker that was
 * faster. If this process dies, a worker goes on. Answers the exit code: 1 if rows failed, which are in a file beside it.
 * @throws UserError for what was typed wrongly, and for a file that cannot be read
 */
export async function importFile(
  env: NodeJS.ProcessEnv,
  directory: string,
  options: ImportCommandOptions,
): Promise<0 | 1> {
  await refuseUnreadable(options.file);
  const installation = findInstallation(env, directory);
  const { openWakeQueue } = await import("@dripline/queue/open-wake-queue");
  const { databaseUrl, redisUrl } = installation;
  const queue = openWakeQueue({ redisUrl, databaseUrl, now: options.now, role: "producer" });
  const { stderr } = process;
  const progress = showProgress({ isTerminal: stderr.isTTY === true, write: (text) => stderr.write(text) });
  try {
    return await withDatabase(databaseUrl, async (db) => {
      const id = await storeImport(db, options);
      const { dayLengthMilliseconds } = installation;
      const row = await followImport(
        { db, queue, now: options.now, dayLengthMilliseconds },
        id,
        ({ rowsDone, rowsTotal }) => progress.show({ done: rowsDone, total: rowsTotal }),
      );
      progress.end();
      return report(db, row, options);
    });
  } finally {
    progress.end();
    await queue.close();
  }
}

/** A tab is hard to type in a shell. */
const delimiters: Readonly<Record<string, string>> = { tab: "\t", comma: ",", semicolon: ";", bar: "|" };

/** Messages name the fields of the API. */
function inTermsOfOptions(message: string): string {
  return message
    .replaceAll("`columns`", "--map")
    .replaceAll("`encoding`", "--encoding")
    .replaceAll("`delimiter`", "--delimiter")
    .replaceAll(/^(columns|on_match|on_new|delimiter|encoding)\b[^:]*/g, (field) => {
      const [name = ""] = field.split(".");
      return name === "columns" ? "--map" : `--${name.replace("_", "-")}`;
    });
}

async function storeImport(db: Database, options: ImportCommandOptions): Promise<string> {
  const { ImportInput } = await import("@dripline/contract/imports");
  const read = ImportInput.safeParse({
    file_name: basename(options.file).slice(0, 200),
    columns: readColumns(options.map),
    on_match: options.onMatch,
    on_new: options.onNew,
    delimiter: delimiters[options.delimiter] ?? options.delimiter,
    encoding: options.encoding,
    has_header: options.hasHeader,
    enroll_in: options.enrollIn === undefined ? null : await findSequenceId(db, options.enrollIn),
    dry_run: options.isDryRun,
  });
  if (!read.success) {
    const [issue] = read.error.issues;
    throw new UserError(inTermsOfOptions(`${issue?.path.join(".")}: ${issue?.message}.`));
  }
  const [{ inTransaction }, { insertImport }, { insertAuditEntry }, { storeImportFile }, { finishUpload }] =
    await Promise.all([
      import("@dripline/db/database"),
      import("@dripline/db/queries/insert-import"),
      import("@dripline/db/queries/insert-audit-entry"),
      import("@dripline/engine/store-import-file"),
      import("@dripline/db/receive-import-file"),
    ]);
  const { file_name: fileName, ...rest } = read.data;
  const now = options.now();
  const principal = "dripline import";
  const id = await inTransaction(db, async (tx) => {
    const objectId = await insertImport(tx, { fileName, options: rest, principal, createdBy: null }, now);
    const data = { file_name: fileName };
    await insertAuditEntry(tx, { at: now, principal, action: "createImport", objectType: "imports", objectId, data });
    return objectId;
  });
  const stored = await storeImportFile(db, id, createReadStream(options.file));
  if (stored.kind !== "stored" || !(await finishUpload(db, stored.upload, now))) {
    throw new UserError(`The import ${id} was cancelled while its file was stored.`);
  }
  return id;
}

async function report(db: Database, row: ImportRow, { file, isDryRun, print }: ImportCommandOptions): Promise<0 | 1> {
  if (row.status === "failed") throw new UserError(inTermsOfOptions(row.errorMessage ?? "The import failed."));
  if (row.status === "cancelled") throw new UserError(`The import was cancelled after ${row.rowsDone} rows.`);
  const { created, updated, skipped, failed, enrolled, refused } = row;
  const done = isDryRun ? "would be done; nothing was written" : "done";
  print(
    `${row.rowsDone} rows ${done}: ${created} created, ${updated} updated, ${skipped} left as they are, ${failed} failed.`,
  );
  if (enrolled + refused > 0) print(`${enrolled} enrolled, ${refused} could not be.`);
  if (failed + refused === 0) return 0;
  const beside = `${file}.failures.csv`;
  const [{ writeFailuresCsv }, { readImportFailures }] = await Promise.all([
    import("@dripline/domain/failures-csv"),
    import("@dripline/db/queries/read-imports"),
  ]);
  const lines = writeFailuresCsv(row.layout?.columns ?? [], readImportFailures(db, row.id));
  await pipeline(Readable.from(lines), createWriteStream(beside));
  print(`Which and why: ${beside}`);
  return 1;
}

async function findSequenceId(db: Database, which: string): Promise<string> {
  const { findSequence } = await import("@dripline/engine/find-sequence");
  const found = await findSequence(db, which);
  if (found.kind !== "unknown") return found.id;
  const near = found.near.map((name) => JSON.stringify(name)).join(", ");
  throw new UserError(`There is no sequence ${JSON.stringify(which)}.${near === "" ? "" : ` Did you mean ${near}?`}`);
}

async function refuseUnreadable(file: string): Promise<void> {
  const found = await stat(file).catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code === "ENOENT" ? "there is no such file" : "it cannot be read";
    throw new UserError(`${file}: ${why}.`, { cause });
  });
  if (!found.isFile()) throw new UserError(`${file}: it is not a file.`);
}
