import { type Database, isDatabaseUnavailable } from "@dripline/db/database";
import { endImport } from "@dripline/db/end-import";
import { readImportChunks, recordImportLayout } from "@dripline/db/record-import-batch";
import type { ImportLayout } from "@dripline/db/schema/imports";
import { giveImportBack, renewImportLease, type TakenImport } from "@dripline/db/take-import";
import type { Pace } from "@dripline/domain/delay";
import { findImportColumns } from "@dripline/domain/import-columns";
import { ImportOptions } from "@dripline/domain/import-options";
import type { WakeQueue } from "@dripline/queue/wake-queue";
import { decodeText } from "./decode-text.ts";
import { readCsv } from "./read-csv.ts";
import { type ImportRecord, type ReadContact, readImportRow } from "./read-import-row.ts";
import { surveyImport } from "./survey-import.ts";
import { wakeAfterCommit } from "./wake-after-commit.ts";
import { writeImportBatch } from "./write-import-batch.ts";

export interface ImportDeps {
  readonly db: Database;
  readonly queue: Pick<WakeQueue, "wake">;
  readonly now: () => Date;
  readonly pace: Pace;
  readonly readContact: ReadContact;
  /** Aborted: the batch under way is finished, then another process may go on. */
  readonly stopping: AbortSignal;
  readonly log: { warn(fields: object, message: string): void; error(fields: object, message: string): void };
}

export interface ImportProgress {
  readonly rowsDone: number;
  readonly rowsTotal: number;
}

export type ImportEnd =
  | { readonly kind: "completed" }
  | { readonly kind: "failed"; readonly message: string }
  /** Given back: another process goes on where this one stopped. */
  | { readonly kind: "stopped" }
  /** It was cancelled, or somebody else has taken it over. */
  | { readonly kind: "lost" };

/** Some hundred rows make a statement worth its while; more would keep others waiting for their contacts' rows. */
const batchRows = 300;

/** Reading a file through without writing takes seconds; the lease is kept up every two megabytes or so. */
const chunksPerRenewal = 8;

/**
 * Takes an import in from the row that it has come to, batch by batch, each of which is written as a whole or not at all.
 * Memory holds a batch and a piece of the file, however long that is.
 * @throws when the database goes away: whoever takes the import next goes on
 */
export async function runImport(
  deps: ImportDeps,
  taken: TakenImport,
  onProgress: (progress: ImportProgress) => void = () => {},
): Promise<ImportEnd> {
  const run = new ImportRun(deps, taken, onProgress);
  try {
    return await run.toTheEnd();
  } catch (err) {
    if (isDatabaseUnavailable(err)) {
      await run.giveBack().catch(() => {}); // its lease ends by itself
      throw err;
    }
    deps.log.error({ err, importId: taken.id }, "an import went wrong and is ended");
    return run.fail(`Something went wrong in the program: ${err instanceof Error ? err.message : String(err)}`);
  }
}

class ImportRun {
  readonly #deps: ImportDeps;
  readonly #onProgress: (progress: ImportProgress) => void;
  #taken: TakenImport;

  constructor(deps: ImportDeps, taken: TakenImport, onProgress: (progress: ImportProgress) => void) {
    this.#deps = deps;
    this.#taken = taken;
    this.#onProgress = onProgress;
  }

  async toTheEnd(): Promise<ImportEnd> {
    const options = ImportOptions.parse(this.#taken.options);
    const layout = this.#taken.layout ?? (await this.#survey(options));
    if ("kind" in layout) return layout;
    const found = findImportColumns(options, layout.columns);
    if (found.kind === "not_found") return this.fail(found.message);

    this.#tell();
    const file = { places: found.places, columnsCount: layout.columns.length };
    for await (const batch of this.#batches(layout, options)) {
      if (this.#deps.stopping.aborted) return this.#stop();
      const rows = batch.map((record) => readImportRow(record, file, this.#deps.readContact));
      const by = { now: this.#deps.now(), pace: this.#deps.pace };
      const result = await writeImportBatch(this.#deps.db, this.#taken, rows, options, by);
      if (result.kind === "lost") return result;
      this.#taken = result.taken;
      await wakeAfterCommit(this.#deps.queue, result.wakes, (err) =>
        this.#deps.log.warn({ err }, "the queue did not take wake-ups; the sweep will find the rows when they are due"),
      );
      this.#tell();
    }
    if (this.#deps.stopping.aborted) return this.#stop();
    const hasEnded = await endImport(this.#deps.db, this.#taken, { now: this.#deps.now() });
    return hasEnded ? { kind: "completed" } : { kind: "lost" };
  }

  async fail(message: string): Promise<ImportEnd> {
    const hasEnded = await endImport(this.#deps.db, this.#taken, { now: this.#deps.now(), errorMessage: message });
    return hasEnded ? { kind: "failed", message } : { kind: "lost" };
  }

  async giveBack(): Promise<void> {
    await giveImportBack(this.#deps.db, this.#taken);
  }

  async #stop(): Promise<ImportEnd> {
    await this.giveBack();
    return { kind: "stopped" };
  }

  /** How the file is written; or the end, if that cannot be found out. */
  async #survey(options: ImportOptions): Promise<ImportLayout | ImportEnd> {
    const lost = new AbortController();
    const survey = await surveyImport(() => this.#chunksWhileKept(lost), options);
    if (lost.signal.aborted) return { kind: "lost" };
    if (this.#deps.stopping.aborted) return this.#stop();
    if (survey.kind === "unreadable") return this.fail(survey.message);
    const next = await recordImportLayout(this.#deps.db, this.#taken, survey);
    if (next === undefined) return { kind: "lost" };
    this.#taken = next;
    return survey.layout;
  }

  /** The pieces of the file, as long as the import is this process's and it is not told to stop. */
  async *#chunksWhileKept(lost: AbortController): AsyncGenerator<Buffer> {
    let sinceRenewal = 0;
    for await (const chunk of readImportChunks(this.#deps.db, this.#taken.id)) {
      if (this.#deps.stopping.aborted || lost.signal.aborted) return;
      yield chunk;
      sinceRenewal += 1;
      if (sinceRenewal < chunksPerRenewal) continue;
      sinceRenewal = 0;
      const kept = await renewImportLease(this.#deps.db, this.#taken);
      if (kept === undefined) lost.abort();
      else this.#taken = kept;
    }
  }

  /** The rows that are not done yet. */
  async *#batches(layout: ImportLayout, options: ImportOptions): AsyncGenerator<ImportRecord[]> {
    const { rowsDone } = this.#taken;
    const text = decodeText(readImportChunks(this.#deps.db, this.#taken.id), layout.encoding);
    const { records } = await readCsv(text, options.delimiter === "auto" ? undefined : options.delimiter);
    let rowNumber = options.has_header ? -1 : 0;
    let batch: ImportRecord[] = [];
    for await (const record of records) {
      rowNumber += 1;
      if (record.kind === "broken_off") throw new Error("a file that was read to its end before breaks off");
      if (rowNumber <= rowsDone) continue;
      batch.push({ rowNumber, cells: record.cells });
      if (batch.length < batchRows) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
  }

  #tell(): void {
    const { rowsDone, rowsTotal } = this.#taken;
    this.#onProgress({ rowsDone, rowsTotal: rowsTotal ?? 0 });
  }
}
