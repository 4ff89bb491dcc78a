import { inArray } from "drizzle-orm";
import { orm, type Queryable } from "../database.ts";
import { emailTemplate, schedule } from "../schema/content.ts";
import { company } from "../schema/people.ts";

const tables = { company, email_template: emailTemplate, schedule };

/** Which of these ids exist. They stay until the end of the transaction: nobody deletes what it is about to refer to. */
export async function existingIds(
  db: Queryable,
  table: keyof typeof tables,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set();
  const { id } = tables[table];
  const rows = await orm(db)
    .select({ id })
    .from(tables[table])
    .where(inArray(id, [...ids]))
    .orderBy(id) // the same order for everybody: locks taken crosswise would deadlock
    .for("key share");
  return new Set(rows.map((row) => row.id));
}
