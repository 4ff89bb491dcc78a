import { sql } from "drizzle-orm";
import { check, customType, index, integer, jsonb, pgTable, primaryKey, text, uuid } from "drizzle-orm/pg-core";
import { createdAt, id, instant, updatedAt } from "./columns.ts";
import { user } from "./people.ts";

/** How a file is to be read. */
export interface ImportLayout {
  readonly encoding: "utf-8" | "utf-16le" | "utf-16be" | "windows-1252";
  readonly delimiter: string;
  /** Names of its columns; of a file without a header as many as its first row has. */
  readonly columns: readonly string[];
}

const bytes = customType<{ data: Buffer }>({ dataType: () => "bytea" });

/**
 * A file of contacts that a worker reads in. What the counts say is done is done: they move in the transaction of the rows
 * that they count, so that another worker goes on exactly there.
 */
export const contactImport = pgTable(
  "contact_import",
  {
    id: id(),
    status: text("status", { enum: ["uploading", "waiting", "running", "completed", "failed", "cancelled"] }).notNull(),
    fileName: text("file_name").notNull().default(""),
    /** What to do with it, checked by the contract before it gets here. */
    options: jsonb("options").$type<Record<string, unknown>>().notNull(),
    /** What the first reading of the file found; null until then. */
    layout: jsonb("layout").$type<ImportLayout>(),
    bytesTotal: integer("bytes_total").notNull().default(0),
    /** Rows of data that are over, whatever became of them: the next one is this plus one. */
    rowsDone: integer("rows_done").notNull().default(0),
    /** null until the whole file was read once. */
    rowsTotal: integer("rows_total"),
    // Every row that is over is one of these four …
    created: integer("created").notNull().default(0),
    updated: integer("updated").notNull().default(0),
    skipped: integer("skipped").notNull().default(0),
    failed: integer("failed").notNull().default(0),
    // … and whoever was taken in from it may have been enrolled, or refused.
    enrolled: integer("enrolled").notNull().default(0),
    refused: integer("refused").notNull().default(0),
    /** Why it ended before its last row. */
    errorMessage: text("error_message"),
    /** Whoever uploads it or reads it in has until then; null: nobody does. Each has another, so it fences their writes. */
    leaseUntil: instant("lease_until"),
    /** Who asked for it, for records: `api_key:<id>`. */
    principal: text("principal").notNull(),
    createdBy: uuid("created_by").references(() => user.id),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
    startedAt: instant("started_at"),
    endedAt: instant("ended_at"),
  },
  (t) => [
    index("contact_import_open_idx").on(t.createdAt).where(sql`${t.status} in ('waiting', 'running')`),
    check(
      "contact_import_status_check",
      sql`${t.status} in ('uploading', 'waiting', 'running', 'completed', 'failed', 'cancelled')`,
    ),
  ],
);

/** The file as it came, in pieces; gone when the import is over. */
export const contactImportChunk = pgTable(
  "contact_import_chunk",
  {
    importId: uuid("import_id")
      .notNull()
      .references(() => contactImport.id, { onDelete: "cascade" }),
    number: integer("number").notNull(),
    bytes: bytes("bytes").notNull(),
  },
  (t) => [primaryKey({ columns: [t.importId, t.number] })],
);

/** A row that was not taken in, or whose contact was not enrolled, and why. */
export const contactImportFailure = pgTable(
  "contact_import_failure",
  {
    importId: uuid("import_id")
      .notNull()
      .references(() => contactImport.id, { onDelete: "cascade" }),
    /** Of the data, from 1; the header is none. */
    rowNumber: integer("row_number").notNull(),
    /** Stable, such as `invalid_email`. */
    code: text("code").notNull(),
    message: text("message").notNull(),
    /** The row as it stood in the file, field by field. */
    fields: jsonb("fields").$type<string[]>().notNull(),
  },
  (t) => [primaryKey({ columns: [t.importId, t.rowNumber] })],
);
