import { orm, type Queryable } from "../database.ts";
import { newId } from "../new-id.ts";
import { company } from "../schema/people.ts";

export type NewCompany = Omit<typeof company.$inferInsert, "id" | "createdAt" | "updatedAt">;

/** Writes a company and answers its id. */
export async function insertCompany(db: Queryable, values: NewCompany): Promise<string> {
  const id = newId();
  await orm(db)
    .insert(company)
    .values({ id, ...values });
  return id;
}
