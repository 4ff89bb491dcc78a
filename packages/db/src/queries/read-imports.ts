import { and, asc, eq, gt, type SQL } from "drizzle-orm";
import { orm, type Queryable } from "../database.ts";
import { contactImport, contactImportFailure } from "../schema/imports.ts";
import { type Clauses, type Page, type PageRequest, readPage } from "./keyset.ts";

export type ImportRow = typeof contactImport.$inferSelect;
export type ImportStatus = ImportRow["status"];

/** One page of the imports that match. */
export function listImports(
  db: Queryable,
  filters: { readonly status?: ImportStatus | undefined },
  request: PageRequest,
): Promise<Page<ImportRow>> {
  return readPage<ImportRow, string>(request, {
    id: contactImport.id,
    keys: { created_at: { expression: contactImport.id, type: "uuid" } }, // UUIDv7: ids are in the order of creation
    where: filters.status === undefined ? undefined : eq(contactImport.status, filters.status),
    select: async ({ where, orderBy, limit, sortValue }: Clauses) => {
      const rows = await orm(db)
        .select({ row: contactImport, sort_value: sortValue })
        .from(contactImport)
        .where(where)
        .orderBy(...orderBy)
        .limit(limit);
      return rows.map(({ row, sort_value }) => ({ ...row, sort_value }));
    },
    count: (where) => orm(db).$count(contactImport, where),
  });
}

/** The import with this id, if there is one. */
export async function findImport(db: Queryable, id: string): Promise<ImportRow | undefined> {
  return (await findImports(db, eq(contactImport.id, id)))[0];
}

function findImports(db: Queryable, where: SQL): Promise<ImportRow[]> {
  return orm(db).select().from(contactImport).where(where);
}

export type ImportFailureRow = typeof contactImportFailure.$inferSelect;

const failuresPerRead = 500;

/** All rows that an import lists, in the order of the file, read as they are asked for. */
export async function* readImportFailures(db: Queryable, importId: string): AsyncGenerator<ImportFailureRow> {
  for (let after = 0; ; ) {
    const rows = await orm(db)
      .select()
      .from(contactImportFailure)
      .where(and(eq(contactImportFailure.importId, importId), gt(contactImportFailure.rowNumber, after)))
      .orderBy(asc(contactImportFailure.rowNumber))
      .limit(failuresPerRead);
    yield* rows;
    if (rows.length < failuresPerRead) return;
    after = rows.at(-1)?.rowNumber ?? after;
  }
}
