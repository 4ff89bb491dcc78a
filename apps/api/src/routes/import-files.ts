import { getImportFailures, uploadImportFile } from "@dripline/contract/imports";
import { findImport, readImportFailures } from "@dripline/db/queries/read-imports";
import { abandonUpload, finishUpload } from "@dripline/db/receive-import-file";
import { writeFailuresCsv } from "@dripline/domain/failures-csv";
import { storeImportFile } from "@dripline/engine/store-import-file";
import type { FastifyInstance } from "fastify";
import type { Deps } from "../deps.ts";
import { found, ProblemError } from "../problem-error.ts";
import { serveDownload, serveUpload } from "../serve-file.ts";
import { requireImport, toImport, wrongStatus } from "./imports.ts";

export function serveImportFiles(app: FastifyInstance, deps: Deps): void {
  serveUpload(
    app,
    deps,
    uploadImportFile,
    async ({ params }, file) => {
      const row = await requireImport(deps.database, params.id);
      if (row.status !== "uploading") throw wrongStatus(row, "It has its file; create another import for another one.");
      const stored = await storeImportFile(deps.database, params.id, file);
      if (stored.kind === "not_open") throw wrongStatus(row, "Its file is being sent by another request.");
      if (stored.bytes > 0) return stored.upload;
      await abandonUpload(deps.database, stored.upload);
      const errors = [{ pointer: "", code: "required", detail: "is empty" }];
      throw new ProblemError("validation_failed", "The file is empty.", { errors });
    },
    async ({ tx, params, now }, upload) => {
      const isFinished = await finishUpload(tx, upload, now);
      const row = found(await findImport(tx, params.id));
      if (!isFinished) throw wrongStatus(row, "It was changed while its file came.");
      return toImport(row);
    },
  );

  serveDownload(app, deps, getImportFailures, async ({ db, params }) => {
    const row = await requireImport(db, params.id);
    const columns = row.layout?.columns ?? [];
    return {
      fileName: `import-${row.id}-failures.csv`,
      lines: writeFailuresCsv(columns, readImportFailures(db, row.id)),
    };
  });
}
