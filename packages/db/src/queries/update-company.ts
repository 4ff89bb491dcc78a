import { eq, sql } from "drizzle-orm";
import { orm, type Queryable } from "../database.ts";
import { company } from "../schema/people.ts";
import type { NewCompany } from "./insert-company.ts";

export type CompanyChanges = {
  readonly [Field in "name" | "timezone" | "country" | "attributes"]?: NewCompany[Field] | undefined;
};

/** Changes a company; what `changes` leaves out stays. */
export async function updateCompany(tx: Queryable, id: string, changes: CompanyChanges, now: Date): Promise<void> {
  await orm(tx)
    .update(company)
    .set({ ...changes, revision: sql`${company.revision} + 1`, updatedAt: now })
    .where(eq(company.id, id));
}
