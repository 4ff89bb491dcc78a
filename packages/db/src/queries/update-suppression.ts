import { eq, sql } from "drizzle-orm";
import { orm, type Queryable } from "../database.ts";
import { suppression } from "../schema/people.ts";

/** The suppression with this id, locked so that its revision stays what it is; undefined if there is none. */
export async function lockSuppression(tx: Queryable, id: string) {
  const rows = await orm(tx).select().from(suppression).where(eq(suppression.id, id)).for("update");
  return rows[0];
}

export async function updateSuppressionNote(tx: Queryable, id: string, note: string): Promise<void> {
  await orm(tx)
    .update(suppression)
    .set({ note, revision: sql`${suppression.revision} + 1` })
    .where(eq(suppression.id, id));
}

/** The address may get email again. */
export async function deleteSuppression(tx: Queryable, id: string): Promise<void> {
  await orm(tx).delete(suppression).where(eq(suppression.id, id));
}
