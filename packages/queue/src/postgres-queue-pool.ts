import type { PgPool, PgPoolClient, PgQueryResult } from "bullmq";
import pg from "pg";
import { endJobsTogether, isJobEnd } from "./end-jobs-together.ts";
import { fetchInTurn } from "./fetch-in-turn.ts";
import { postgresQueueSchema } from "./postgres-queue-schema.ts";

const connectMilliseconds = 2_000;
/** For one statement: 1,000 jobs take about 0.2 s. A server that hangs must not keep a request waiting. */
const statementMilliseconds = 5_000;
/** A statement that lost a deadlock has done nothing and can be given again at once. */
const deadlockAttemptsMax = 5;

/**
 * A few statements, all day, on tables whose rows come and go by the minute, so that statistics never fit: planned once per
 * connection, and by index. That takes off a seventh of what the queue costs.
 */
const planOnce = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET jit = off";

/**
 * The server is gone, starting or stopping. The code is the one BullMQ knows: a worker waits and tries again after it,
 * but takes every other error (57P01 "terminating connection", for one) as the job's own failure and deletes the job,
 * or asks again without a pause.
 */
export class PostgresUnreachableError extends Error {
  override readonly name = "PostgresUnreachableError";
  readonly code = "ECONNREFUSED";
}

/**
 * The connections of a queue: one pool for BullMQ's Queue and Workers together, every connection in BullMQ's schema.
 * Losing a connection never ends the process; statements that met a deadlock are repeated; jobs that end in the same moment
 * share a transaction.
 */
export function openPostgresQueuePool(url: string, connectionsMax: number): PgPool {
  const pool = new pg.Pool({
    connectionString: url,
    max: connectionsMax,
    application_name: "dripline-queue",
    connectionTimeoutMillis: connectMilliseconds,
    query_timeout: statementMilliseconds,
    keepAlive: true,
    // A statement, and not the "options" of the connection, which the URL may set and PgBouncer refuses.
    // oxlint-disable-next-line typescript/no-misused-promises -- pg-pool waits for it; its types do not say so
    onConnect: (client) => client.query(`SET search_path TO ${postgresQueueSchema}; ${planOnce}`),
  });
  pool.on("error", () => undefined);
  // The pool listens while a connection is idle only; one that is lost between two statements would end the process.
  pool.on("connect", (client) => client.on("error", () => undefined));

  const endJob = endJobsTogether((statement) => query(pool, statement));
  const shared: PgPool = {
    query<R>(text: string, params: readonly unknown[] = []) {
      if (isJobEnd(text)) return endJob(params) as Promise<PgQueryResult<R>>;
      return query<R>(pool, { text: fetchInTurn(text), values: [...params] });
    },
    connect: () => unlessUnreachable(pool.connect() as Promise<PgPoolClient>),
    end: () => pool.end(),
    on(event: "error" | "connect", listener: unknown) {
      pool.on(event as "error", listener as (error: Error) => void);
      return shared;
    },
    removeAllListeners: () => shared,
  };
  return shared;
}

async function query<R>(pool: pg.Pool, statement: pg.QueryConfig): Promise<PgQueryResult<R>> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await unlessUnreachable(pool.query(statement) as Promise<unknown> as Promise<PgQueryResult<R>>);
    } catch (error) {
      const isDeadlock = codeOf(error) === "40P01" || codeOf(error) === "40001";
      if (!isDeadlock || attempt === deadlockAttemptsMax) throw error;
    }
  }
}

async function unlessUnreachable<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (!isUnreachable(cause)) throw cause;
    const said = cause instanceof Error && cause.message !== "" ? cause.message : codeOf(cause);
    throw new PostgresUnreachableError(`The queue's PostgreSQL cannot be reached: ${said}`, { cause });
  }
}

const unreachableCodes = new Set([
  "57P01", // admin_shutdown
  "57P02", // crash_shutdown
  "57P03", // cannot_connect_now: starting up or shutting down
  "53300", // too_many_connections
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
]);

/** What node-postgres says without a code when a connection ends or does not come about. */
const unreachableMessage =
  /Connection terminated|timeout exceeded when trying to connect|not queryable|Query read timeout/;

function isUnreachable(error: unknown): boolean {
  const code = codeOf(error);
  // Class 08 is "connection exception".
  if (code !== undefined && (unreachableCodes.has(code) || /^08...$/.test(code))) return true;
  return error instanceof Error && unreachableMessage.test(error.message);
}

function codeOf(error: unknown): string | undefined {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}
