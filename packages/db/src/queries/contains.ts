import { type SQL, sql } from "drizzle-orm";
import type { AnyPgColumn } from "drizzle-orm/pg-core";

/** Whether one of the columns contains the words as they stand, in any letter case. */
export function contains(words: string | undefined, ...columns: readonly (AnyPgColumn | SQL)[]): SQL | undefined {
  if (words === undefined) return undefined;
  const pattern = `%${words.replaceAll(/[\\%_]/g, (special) => `\\${special}`)}%`;
  return sql`(${sql.join(
    columns.map((column) => sql`${column} ilike ${pattern}`),
    sql` or `,
  )})`;
}
