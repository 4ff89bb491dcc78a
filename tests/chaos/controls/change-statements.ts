import type { Database } from "@dripline/db/database";
import type { QueryConfig } from "pg";

/** What to do with a named statement: another text, or rows in place of an answer; undefined leaves it as it is. */
export type Sabotage = (query: QueryConfig & { name: string }) => { text: string } | { rows: object[] } | undefined;

/** The same pool, but some of its named statements are not what they were: also inside transactions. */
export function changeStatements(pool: Database, sabotage: Sabotage): Database {
  change(pool, sabotage);
  // Every connection the pool opens, for statements inside transactions.
  pool.on("connect", (client) => change(client, sabotage));
  return pool;
}

function change(target: { query: unknown }, sabotage: Sabotage): void {
  const query = target.query as (...given: unknown[]) => unknown;
  target.query = (first: unknown, ...rest: unknown[]) => {
    const changed = isNamed(first) ? sabotage(first) : undefined;
    if (changed === undefined) return query.call(target, first, ...rest);
    if ("rows" in changed) return Promise.resolve({ rows: changed.rows, rowCount: changed.rows.length });
    // Another name: a connection keeps the text that a name was prepared with.
    const { name, ...others } = first as QueryConfig & { name: string };
    return query.call(target, { ...others, name: `${name}-changed`, text: changed.text }, ...rest);
  };
}

function isNamed(query: unknown): query is QueryConfig & { name: string } {
  return typeof (query as { name?: unknown } | null)?.name === "string";
}
