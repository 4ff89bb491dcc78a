import type { Database, Queryable } from "@dripline/db/database";

/** A table of this many rows is big: reading it from end to end, or sorting it, is what a list must not do. */
const bigTableRows = 10_000;
/** Sorting so many rows that an index picked takes a few milliseconds. */
const sortedRowsMax = 10_000;

interface Plan {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Index Name"?: string;
  readonly "Actual Rows": number;
  readonly "Actual Loops": number;
  readonly Plans?: readonly Plan[];
}

export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** What is wrong with the way in which PostgreSQL carries these statements out, each as a sentence. */
export async function judgePlans(database: Database, statements: readonly Statement[]): Promise<string[]> {
  const big = await bigTables(database);
  const faults: string[] = [];
  for (const { text, values } of statements) {
    const { rows } = await database.query<{ "QUERY PLAN": [{ Plan: Plan }] }>(
      `explain (analyze, format json) ${text}`,
      [...values],
    );
    const plan = rows[0]?.["QUERY PLAN"][0].Plan;
    if (plan !== undefined) faults.push(...faultsIn(plan, big));
  }
  return [...new Set(faults)];
}

function faultsIn(plan: Plan, big: ReadonlySet<string>): string[] {
  const inner = plan.Plans ?? [];
  const faults = inner.flatMap((each) => faultsIn(each, big));
  const { "Node Type": type, "Relation Name": relation = "" } = plan;
  if (type === "Seq Scan" && big.has(relation)) faults.push(`reads ${relation} from end to end`);
  const sorted = inner.reduce((sum, each) => sum + each["Actual Rows"] * each["Actual Loops"], 0);
  if (type === "Sort" && sorted > sortedRowsMax) faults.push(`sorts ${Math.round(sorted)} rows`);
  return faults;
}

async function bigTables(db: Queryable): Promise<ReadonlySet<string>> {
  const { rows } = await db.query<{ name: string }>(
    "select relname as name from pg_class where relkind = 'r' and reltuples > $1",
    [bigTableRows],
  );
  return new Set(rows.map(({ name }) => name));
}
