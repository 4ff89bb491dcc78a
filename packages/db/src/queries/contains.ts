import { type SQL, sql } from "drizzle-orm";
import type { AnyPgColumn } from "drizzle-orm/pg-core";

/** Whether the column names a row of another table in which the words stand: found by that table's indexes. */
export function isOneContaining(
  words: string | undefined,
  column: AnyPgColumn,
  { id, texts }: { readonly id: AnyPgColumn; readonly texts: readonly (AnyPgColumn | SQL)[] },
): SQL | undefined {
  if (words === undefined) return undefined;
  return sql`${column} = any(array(select ${id} from ${id.table} where ${contains(words, ...texts)}))`;
}

/** Whether one of the columns contains the words as they stand, in any letter case. */
export function contains(words: string | undefined, ...columns: readonly (AnyPgColumn | SQL)[]): SQL | undefined {
  if (words === undefined) return undefined;
  const pattern = `%${words.replaceAll(/[\\%_]/g, (special) => `\\${special}`)}%`;
  return sql`(${sql.join(
    columns.map((column) => sql`${column} ilike ${pattern}`),
    sql` or `,
  )})`;
}
