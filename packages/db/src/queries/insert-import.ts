import { orm, type Queryable } from "../database.ts";
import { newId } from "../new-id.ts";
import { contactImport } from "../schema/imports.ts";

export type NewImport = Pick<typeof contactImport.$inferInsert, "fileName" | "options" | "principal" | "createdBy">;

/** Writes an import that has no file yet, and answers its id. */
export async function insertImport(db: Queryable, values: NewImport, now: Date): Promise<string> {
  const id = newId();
  await orm(db)
    .insert(contactImport)
    .values({ id, status: "uploading", createdAt: now, updatedAt: now, ...values });
  return id;
}
