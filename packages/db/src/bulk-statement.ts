import type { QueryConfig, QueryResult, QueryResultRow } from "pg";
import type { Queryable } from "./database.ts";

const serverSeconds = 300;

/**
 * Lets the rest of this transaction's statements run for up to five minutes. Pausing, resuming or archiving a sequence
 * moves 100,000 rows in seconds, but a server that is busy or slow must not make it impossible.
 */
export async function liftStatementTimeout(tx: Queryable): Promise<void> {
  await tx.query(
    `set local statement_timeout = '${serverSeconds}s'; set local idle_in_transaction_session_timeout = '${serverSeconds}s'`,
  );
}

/** A statement that may move everybody in a sequence: the client waits for it as long as the server is ever given. */
export function bulkStatement(query: QueryConfig): QueryConfig {
  // node-postgres reads it from each query, its types do not have it.
  const patient = { ...query, query_timeout: (serverSeconds + 5) * 1_000 };
  return patient;
}

/**
 * The same transaction with that patience in every statement, for work of many statements whose number of rows nobody
 * knows before. Between two of them the program may think for longer than it does elsewhere.
 */
export async function patientTransaction(tx: Queryable): Promise<Queryable> {
  await liftStatementTimeout(tx);
  const query = <Row extends QueryResultRow>(
    statement: string | QueryConfig,
    values?: unknown[],
  ): Promise<QueryResult<Row>> => {
    const config = typeof statement === "string" ? { text: statement } : statement;
    return tx.query<Row>(bulkStatement(values === undefined ? config : { ...config, values }));
  };
  return { query: query as Queryable["query"] };
}
