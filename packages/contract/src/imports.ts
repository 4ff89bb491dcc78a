import { ImportOptions, importEncodings } from "@dripline/domain/import-options";
import { z } from "zod";
import { Id, Instant, optionalLine } from "./fields.ts";
import { listQuery, pageOf } from "./list.ts";
import { defineOperation } from "./operation.ts";

/** 100,000 rows are about ten megabytes. */
export const importBytesMax = 100_000_000;

const ImportStatus = z
  .enum(["uploading", "waiting", "running", "completed", "failed", "cancelled"])
  .describe("`uploading` until its file is there, `waiting` until a worker takes it");

const Counts = z
  .strictObject({
    created: z.int().describe("Rows whose contact was made"),
    updated: z.int().describe("Rows that changed a contact"),
    skipped: z.int().describe("Rows that changed nothing"),
    failed: z.int().describe("Rows that could not be taken in; with the three above, all that are done"),
    enrolled: z.int(),
    refused: z.int().describe("Rows that were taken in, and whose contact could not be enrolled"),
  })
  .meta({ id: "ImportCounts" });

export const Import = z
  .strictObject({
    id: Id,
    status: ImportStatus,
    file_name: z.string(),
    options: ImportOptions,
    layout: z
      .strictObject({ encoding: z.enum(importEncodings), delimiter: z.string(), columns: z.array(z.string()) })
      .nullable()
      .describe("How the file was found to be written; null until it was looked through"),
    bytes_total: z.int(),
    rows_done: z.int(),
    rows_total: z.int().nullable().describe("null until the file was looked through"),
    progress: z.string().nullable().describe('"500/1000 (50.0%)"'),
    counts: Counts,
    error_message: z.string().nullable().describe("Why it ended before its last row"),
    created_by: Id.nullable(),
    created_at: Instant,
    started_at: Instant.nullable(),
    ended_at: Instant.nullable(),
  })
  .meta({ id: "Import" });
export type Import = z.output<typeof Import>;

export const ImportInput = ImportOptions.extend({
  file_name: optionalLine(200).default("").describe("For people who look at the list"),
})
  .check(({ value, issues }) => {
    if (value.has_header) return;
    const sources = Object.values({ ...value.columns, ...value.columns?.attributes, attributes: undefined });
    if (value.columns === null || sources.some((source) => typeof source === "string")) {
      issues.push({
        code: "custom",
        path: ["columns"],
        message: "must give numbers: a file without a header has no names of columns",
        input: value.columns,
      });
    }
  })
  .meta({
    id: "ImportInput",
    examples: [
      {
        file_name: "fair.csv",
        columns: { email: "E-Mail", first_name: "Vorname", attributes: { plan: "Plan" } },
        on_match: "update",
        enroll_in: "019a0000-0000-7000-8000-000000000003",
      },
    ],
  });

const tag = "imports";
const params = z.strictObject({ id: Id });

export const listImports = defineOperation({
  id: "listImports",
  method: "GET",
  path: "/api/v1/imports/",
  summary: "List imports",
  tag,
  auth: "key",
  query: listQuery({ orderings: ["-created_at"], filters: { status: ImportStatus.optional() } }),
  success: 200,
  output: pageOf(Import, "ImportPage"),
  errors: [],
});

export const createImport = defineOperation({
  id: "createImport",
  method: "POST",
  path: "/api/v1/imports/",
  summary: "Create an import of contacts, to be followed by its file",
  description: `Says what is to become of a file; then send the file itself to \`PUT /api/v1/imports/{id}/file/\`:

\`\`\`
ID=$(curl -s $URL/api/v1/imports/ -H "Authorization: Bearer $KEY" --json '{"on_match": "update"}' | jq -r .id)
curl -X PUT $URL/api/v1/imports/$ID/file/ -H "Authorization: Bearer $KEY" -H "Content-Type: text/csv" --data-binary @contacts.csv
\`\`\``,
  tag,
  auth: "key",
  body: ImportInput,
  success: 201,
  output: Import,
  errors: ["sequence_not_active", "sequence_without_steps"],
});

export const getImport = defineOperation({
  id: "getImport",
  method: "GET",
  path: "/api/v1/imports/{id}/",
  summary: "Get an import: how far it is, and what came of it",
  tag,
  auth: "key",
  params,
  success: 200,
  output: Import,
  errors: [],
});

export const uploadImportFile = defineOperation({
  id: "uploadImportFile",
  method: "PUT",
  path: "/api/v1/imports/{id}/file/",
  summary: "Send an import its file",
  description:
    "The body is the file as it is: CSV with commas, semicolons or tabs, in UTF-8, UTF-16 with a byte order mark, or Windows-1252. It is stored as it comes; a worker then takes it. An upload that broke off is sent again from the beginning.",
  tag,
  auth: "key",
  params,
  file: { contentTypes: ["text/csv", "text/tab-separated-values"], bytesMax: importBytesMax },
  success: 202,
  output: Import,
  errors: ["validation_failed", "wrong_import_status"],
});

export const getImportFailures = defineOperation({
  id: "getImportFailures",
  method: "GET",
  path: "/api/v1/imports/{id}/failures.csv/",
  summary: "Download the rows that failed, as a CSV",
  description:
    "Each with its fields as they were, and after them `import_row`, `import_code` and `import_reason`. A field that a spreadsheet would take for a formula begins with an apostrophe.",
  tag,
  auth: "key",
  params,
  success: 200,
  download: "text/csv; charset=utf-8",
  output: z.string().meta({
    examples: ['email,import_row,import_code,import_reason\nann@,3,invalid_email,"nothing stands after the ""@"""\n'],
  }),
  errors: [],
});

export const cancelImport = defineOperation({
  id: "cancelImport",
  method: "POST",
  path: "/api/v1/imports/{id}/cancel/",
  summary: "Stop an import where it is",
  description: "What its rows have done so far stays.",
  tag,
  auth: "key",
  params,
  success: 200,
  output: Import,
  errors: ["wrong_import_status"],
});

export const deleteImport = defineOperation({
  id: "deleteImport",
  method: "DELETE",
  path: "/api/v1/imports/{id}/",
  summary: "Delete an import that has ended, with the list of its failures",
  tag,
  auth: "key",
  params,
  success: 204,
  output: z.strictObject({ id: Id }),
  errors: ["wrong_import_status"],
});
