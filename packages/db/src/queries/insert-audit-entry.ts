import { orm, type Queryable } from "../database.ts";
import { newId } from "../new-id.ts";
import { auditLog } from "../schema/records.ts";

export type AuditEntry = Omit<typeof auditLog.$inferInsert, "id">;

/** Records who did what; in the transaction of what was done. */
export async function insertAuditEntry(tx: Queryable, entry: AuditEntry): Promise<void> {
  await orm(tx)
    .insert(auditLog)
    .values({ id: newId(), ...entry });
}
