import type { Database } from "@dripline/db/database";
import { explainDatabaseError } from "@dripline/db/explain-database-error";
import { UserError } from "./user-error.ts";

/**
 * Runs `work` with a connection to the database at `url`.
 * @throws UserError when the database cannot be reached, or was not migrated
 */
export async function withDatabase<T>(url: string, work: (db: Database) => Promise<T>): Promise<T> {
  const { openDatabase } = await import("@dripline/db/database");
  const db = openDatabase({ url, connectionsMax: 2, applicationName: "dripline command", onError: () => {} });
  try {
    return await work(db);
  } catch (error) {
    const sentence = explainDatabaseError(error, url) ?? explainMissingTable(error);
    throw sentence === undefined ? error : new UserError(sentence, { cause: error });
  } finally {
    await db.end();
  }
}

function explainMissingTable(error: unknown): string | undefined {
  const { code, cause } = error as { code?: unknown; cause?: { code?: unknown } };
  const isMissing = [code, cause?.code].some((each) => each === "42P01" || each === "42703");
  return isMissing ? "The database lacks tables of this version. Run: npm run dripline -- migrate" : undefined;
}
