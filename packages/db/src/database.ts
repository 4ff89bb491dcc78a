import { drizzle, type NodePgDatabase } from "drizzle-orm/node-postgres";
import pg from "pg";

/** A pool of connections to our PostgreSQL. */
export type Database = pg.Pool;

/** Anything that runs a statement: the pool, or the one connection of a transaction. Every arrow takes this. */
export type Queryable = Pick<pg.PoolClient, "query">;

/** For how long a pool waits, in milliseconds. */
export interface DatabasePatience {
  /** For a connection, a free one or a new one. */
  readonly connect: number;
  /** The server ends a statement after that. */
  readonly statement: number;
  /** The client gives an answer up after that: a network that swallows packets. A little later than the server would. */
  readonly answer: number;
  /**
   * The server ends a transaction whose client says nothing for so long, and lets its locks go: a client that was cut off
   * cannot say that it is gone, and its repeated request would find the Idempotency-Key taken. Left out: never.
   */
  readonly silence?: number;
}

export interface OpenDatabaseOptions {
  readonly url: string;
  readonly connectionsMax: number;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  /** A statement that waits longer than this for somebody else's row fails and can be tried again. Default: no limit of its own. */
  readonly lockSeconds?: number;
  /**
   * For a process that runs the same few statements all day, each for some ids: they are planned once per connection, and
   * go by index. Default: PostgreSQL's own judgement.
   */
  readonly plansOnce?: boolean;
  /** Shorter than for others, where somebody waits for the answer; see `DatabasePatience`. */
  readonly patience?: DatabasePatience;
  /** A pooled connection died while idle. The pool replaces it; this is for the log. */
  readonly onError: (error: Error) => void;
}

// Every statement of ours takes milliseconds. A server that does not answer (a network that swallows packets) must not
// keep an SMTP connection waiting between "354" and the body, so the client gives up a little after the server would.
const defaultPatience: DatabasePatience = { connect: 5_000, statement: 30_000, answer: 35_000 };

/**
 * Opens a pool without connecting. A statement waits at most 5 s for a connection and 35 s for an answer, unless
 * `patience` says otherwise, then throws.
 */
export function openDatabase(options: OpenDatabaseOptions): Database {
  const patience = options.patience ?? defaultPatience;
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.connectionsMax,
    application_name: options.applicationName,
    connectionTimeoutMillis: patience.connect,
    statement_timeout: patience.statement,
    query_timeout: patience.answer,
    ...(patience.silence === undefined ? {} : { idle_in_transaction_session_timeout: patience.silence }),
    keepAlive: true,
    ...(options.lockSeconds === undefined ? {} : { lock_timeout: options.lockSeconds * 1_000 }),
    // oxlint-disable-next-line typescript/no-misused-promises -- the pool waits for it, which its types do not say
    ...(options.plansOnce ? { onConnect: planOnce } : {}),
  });
  // Without a listener an idle connection that dies (a restart of the server) would end the process.
  pool.on("error", options.onError);
  // The pool listens while a connection is idle only. One that dies between two statements of a transaction would end the
  // process as well; the transaction hears of it from its next statement.
  pool.on("connect", (client) => client.on("error", () => {}));
  return pool;
}

/**
 * By its own judgement PostgreSQL goes on planning a statement that takes a list of ids, which costs more than running it
 * (12 ms against 2 for the facts of an email), and plans made while tables were small or statistics old read tables from
 * end to end: 45 emails a second on two cores instead of 110, and the more people wait, the fewer.
 */
async function planOnce(client: pg.ClientBase): Promise<void> {
  await client.query("set plan_cache_mode = force_generic_plan; set enable_seqscan = off; set jit = off");
}

/** Runs `work` in one transaction: committed when it returns, rolled back when it throws. */
export async function inTransaction<T>(database: Database, work: (tx: Queryable) => Promise<T>): Promise<T> {
  const client = await database.connect();
  let lost: Error | undefined;
  try {
    await client.query("begin");
    const result = await work(client);
    await client.query("commit");
    return result;
  } catch (error) {
    // A server that did not answer will not answer to this either, and whoever waits has waited long enough. Closing
    // the connection rolls back.
    if (isDatabaseUnavailable(error) && !isRefusedStatement(error)) lost = error as Error;
    else {
      await client.query("rollback").catch((rollbackError: Error) => {
        lost = rollbackError;
      });
    }
    throw error;
  } finally {
    // A connection that could not roll back is closed, so that nobody goes on inside its transaction.
    client.release(lost);
  }
}

/** The query builder over a pool or a transaction; for reads and plain inserts. Arrows are written in SQL. */
export function orm(queryable: Queryable): NodePgDatabase {
  return drizzle({ client: queryable as pg.PoolClient });
}

const unavailableCodes = new Set([
  "57P01", // admin_shutdown
  "57P02", // crash_shutdown
  "57P03", // cannot_connect_now
  "57P05", // idle_session_timeout
  "25P03", // idle_in_transaction_session_timeout
  "25006", // read_only_sql_transaction: the old primary after a failover
  "40001", // serialization_failure
  "40P01", // deadlock_detected
  "57014", // query_canceled: our own statement timeout
  "55P03", // lock_not_available: our own lock timeout
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ETIMEDOUT",
  "EPIPE",
]);

// 08: connection exception. 53: out of connections, memory or disk.
const unavailableClass = /^(08|53)...$/;

/** Whether the server itself refused a statement and goes on listening: the transaction failed, the connection did not. */
function isRefusedStatement(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.severity === "ERROR";
}

/** Whether an error means "the database cannot be reached now": worth trying again, nobody's fault. */
export function isDatabaseUnavailable(error: unknown): boolean {
  for (let e = error; e instanceof Error; e = e.cause) {
    const code = (e as { code?: unknown }).code;
    if (typeof code === "string" && (unavailableCodes.has(code) || unavailableClass.test(code))) return true;
    if (
      /timeout exceeded when trying to connect|Connection terminated|connection timeout|Query read timeout|not queryable/i.test(
        e.message,
      )
    )
      return true;
  }
  return false;
}

/** Whether the statement itself is to blame (data, constraint, syntax): the same statement will fail again. */
export function isStatementAtFault(error: unknown): boolean {
  for (let e = error; e instanceof Error; e = e.cause) {
    const code = (e as { code?: unknown }).code;
    if (typeof code === "string" && /^(22|23|42)...$/.test(code)) return true;
  }
  return false;
}
