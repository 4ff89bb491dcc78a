import { type Database, inTransaction, type Queryable } from "./database.ts";

/**
 * Runs `read` on the database as it stands at one moment, however many statements it takes. PostgreSQL refuses every
 * write in it, locks of rows included.
 */
export async function inSnapshot<T>(database: Database, read: (snapshot: Queryable) => Promise<T>): Promise<T> {
  return inTransaction(database, async (tx) => {
    await tx.query("set transaction isolation level repeatable read, read only");
    return read(tx);
  });
}
