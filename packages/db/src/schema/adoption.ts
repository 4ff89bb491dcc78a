import { customType, pgTable, text } from "drizzle-orm/pg-core";
import { id, instant } from "./columns.ts";

const oid = customType<{ data: number }>({ dataType: () => "oid" });
const xid = customType<{ data: string }>({ dataType: () => "xid" });

/**
 * In which place this data may send: one row, written by the first migration and by `dripline adopt`. Whatever copies a
 * database copies the row as well, and it names a place that is not the copy's: another database than the one it is in, a
 * table that was made anew, a row that another transaction wrote. Then nothing is sent. Nobody else may update the row,
 * and no migration may rewrite the table: either would close the fence. docs/decisions/0008-the-row-knows-its-place.md
 */
export const adoption = pgTable("adoption", {
  id: id(),
  /** pg_database.oid: a database that was copied, or restored beside the original, has another. */
  databaseOid: oid("database_oid").notNull(),
  /** This table's own oid: a restore makes the table anew, also one into the same database. */
  tableOid: oid("table_oid").notNull(),
  /** The transaction that wrote the row, which is its xmin as long as it is where it was written: a restore writes it anew. */
  rowXid: xid("row_xid").notNull(),
  /** For people; a database that is renamed stays the same. */
  databaseName: text("database_name").notNull(),
  /** Of PUBLIC_URL, as the first worker with one that leads here from outside had it; null until then. */
  publicOrigin: text("public_origin"),
  adoptedAt: instant("adopted_at").notNull(),
  adoptedBy: text("adopted_by").notNull(),
});
