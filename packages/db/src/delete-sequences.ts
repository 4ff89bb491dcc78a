import type { Queryable } from "./database.ts";

/**
 * Any status → gone, with all versions and steps. A sequence that has enrollments, whatever became of them, stays.
 * Answers which are gone. Call `lockSequence` before, in the same transaction: whoever enrolls at the same moment has
 * then done so, or finds nothing.
 */
export async function deleteSequences(tx: Queryable, ids: readonly string[]): Promise<string[]> {
  const { rows } = await tx.query<{ id: string }>({
    name: "delete-sequences",
    text: `
      delete from email_sequence s
      where s.id = any($1) and not exists (select from sequence_enrollment n where n.sequence_id = s.id)
      returning s.id`,
    values: [ids],
  });
  return rows.map((row) => row.id);
}
