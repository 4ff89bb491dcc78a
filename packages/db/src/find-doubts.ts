import type { Queryable } from "./database.ts";

export interface OpenDoubt {
  readonly executionId: string;
  readonly generation: number;
  /** When it was handed to the mail server, by the log; null if that is gone. */
  readonly handedOverAt: Date | null;
}

/** Which of these executions are in doubt, or, without ids, the oldest of all that are. */
export async function findDoubts(
  db: Queryable,
  which: { readonly executionIds: readonly string[] } | { readonly limit: number },
): Promise<OpenDoubt[]> {
  const ids = "executionIds" in which ? which.executionIds : null;
  const { rows } = await db.query<{ id: string; generation: number; sent_at: Date | null }>({
    name: "find-doubts",
    text: `select e.id, e.generation, l.sent_at from step_execution e left join email_log l on l.id = e.email_log_id
           where e.status = 'in_doubt' and ($1::uuid[] is null or e.id = any($1)) order by e.scheduled_for, e.id limit $2`,
    values: [ids, "limit" in which ? which.limit : which.executionIds.length],
  });
  return rows.map((row) => ({ executionId: row.id, generation: row.generation, handedOverAt: row.sent_at }));
}
