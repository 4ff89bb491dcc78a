import * as imports from "@dripline/contract/imports";
import type { Queryable } from "@dripline/db/database";
import * as ending from "@dripline/db/end-import";
import { loadEnrollableSequence } from "@dripline/db/load-enrollable";
import { insertImport } from "@dripline/db/queries/insert-import";
import * as reading from "@dripline/db/queries/read-imports";
import { ImportOptions } from "@dripline/domain/import-options";
import { describeProgress } from "@dripline/domain/progress";
import type { FastifyInstance } from "fastify";
import { pageBody, pageRequest } from "../cursor.ts";
import type { Deps } from "../deps.ts";
import { found, notFound, ProblemError, unknownReferences } from "../problem-error.ts";
import { serve } from "../serve.ts";

export function serveImports(app: FastifyInstance, deps: Deps): void {
  serve(app, deps, imports.listImports, async ({ db, query, url }) => {
    const page = await reading.listImports(db, query, pageRequest(query));
    return pageBody(page, query, url, toImport);
  });

  serve(app, deps, imports.getImport, async ({ db, params }) => toImport(await requireImport(db, params.id)));

  serve(app, deps, imports.createImport, async ({ tx, body, principal, now }) => {
    const { file_name: fileName, ...options } = body;
    if (options.enroll_in !== null) await refuseUnfitSequence(tx, options.enroll_in);
    const createdBy = principal.apiKey.user?.id ?? null;
    const id = await insertImport(tx, { fileName, options, principal: principal.id, createdBy }, now);
    return toImport(found(await reading.findImport(tx, id)));
  });

  serve(app, deps, imports.cancelImport, async ({ tx, params, now }) => {
    const isCancelled = await ending.cancelImport(tx, params.id, now);
    const row = await requireImport(tx, params.id);
    if (!isCancelled) throw wrongStatus(row, "It has ended, so there is nothing to stop.");
    return toImport(row);
  });

  serve(app, deps, imports.deleteImport, async ({ tx, params: { id }, addToAudit }) => {
    const row = await requireImport(tx, id);
    if (!(await ending.deleteEndedImport(tx, id))) throw wrongStatus(await requireImport(tx, id), "Cancel it first.");
    addToAudit({ file_name: row.fileName });
    return { id };
  });
}

export async function requireImport(db: Queryable, id: string): Promise<reading.ImportRow> {
  const row = await reading.findImport(db, id);
  if (row === undefined) throw notFound("import", id);
  return row;
}

export function wrongStatus({ status }: reading.ImportRow, what: string): ProblemError {
  return new ProblemError("wrong_import_status", `The import is ${status}. ${what}`, {
    extensions: { import_status: status },
  });
}

/** What would refuse every row is told before a file is sent. It is looked at again with each row. */
async function refuseUnfitSequence(tx: Queryable, id: string): Promise<void> {
  const sequence = await loadEnrollableSequence(tx, id);
  if (sequence === undefined) throw unknownReferences([{ pointer: "/enroll_in", what: "sequence", id }]);
  if (sequence.status !== "active") {
    throw new ProblemError("sequence_not_active", `The sequence is ${sequence.status}: resume it first.`);
  }
  if (sequence.steps.some((step) => step.isActive)) return;
  throw new ProblemError("sequence_without_steps", "The sequence has no active step: add one first.");
}

export function toImport(row: reading.ImportRow): imports.Import {
  const { created, updated, skipped, failed, enrolled, refused } = row;
  return {
    id: row.id,
    status: row.status,
    file_name: row.fileName,
    options: ImportOptions.parse(row.options),
    layout: row.layout && { ...row.layout, columns: [...row.layout.columns] },
    bytes_total: row.bytesTotal,
    rows_done: row.rowsDone,
    rows_total: row.rowsTotal,
    progress: row.rowsTotal === null ? null : describeProgress(row.rowsDone, row.rowsTotal),
    counts: { created, updated, skipped, failed, enrolled, refused },
    error_message: row.errorMessage,
    created_by: row.createdBy,
    created_at: row.createdAt,
    started_at: row.startedAt,
    ended_at: row.endedAt,
  };
}
