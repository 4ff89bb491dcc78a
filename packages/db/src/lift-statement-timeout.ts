import type { Queryable } from "./database.ts";

const bulkSeconds = 300;

/** `query_timeout` of a statement that moves everybody in a sequence: a little more than the server gives it. */
export const bulkAnswerMilliseconds = (bulkSeconds + 5) * 1_000;

/**
 * Lets the rest of this transaction's statements run for up to five minutes. Pausing, resuming or archiving a sequence
 * moves 100,000 rows in seconds, but a server that is busy or slow must not make it impossible.
 */
export async function liftStatementTimeout(tx: Queryable): Promise<void> {
  await tx.query(`set local statement_timeout = '${bulkSeconds}s'`);
}
