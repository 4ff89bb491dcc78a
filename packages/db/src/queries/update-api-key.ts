import { and, eq, isNull, sql } from "drizzle-orm";
import { orm, type Queryable } from "../database.ts";
import { apiKey } from "../schema/people.ts";

export type ApiKeyChanges = Partial<Pick<typeof apiKey.$inferInsert, "name" | "requestsPerMinuteMax" | "expiresAt">>;

/** Changes what `changes` names of a key, unless it is revoked. */
export async function updateApiKey(db: Queryable, id: string, changes: ApiKeyChanges): Promise<"updated" | "revoked"> {
  const updated = await orm(db)
    .update(apiKey)
    .set({ ...changes, revision: sql`${apiKey.revision} + 1` })
    .where(and(eq(apiKey.id, id), isNull(apiKey.revokedAt)))
    .returning({ id: apiKey.id });
  return updated.length === 1 ? "updated" : "revoked";
}
