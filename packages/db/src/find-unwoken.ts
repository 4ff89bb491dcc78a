import type { Queryable } from "./database.ts";

// `statement_timestamp()`: with `clock_timestamp()`, which changes while a statement runs, the index cannot tell where what is due
// ends, and everything that waits is read.

export interface DueRow {
  readonly executionId: string;
  readonly generation: number;
  readonly scheduledFor: Date;
  /** A sweep has woken it before, and that did not help either. */
  readonly wasRescued: boolean;
}

/**
 * Due rows that nobody has picked up within the grace period: their wake-up was lost, or waits in a long queue. Marks
 * them, so that the next sweep leaves them alone for `quietSeconds`; several sweeps at once get different rows.
 */
export async function findUnwoken(
  db: Queryable,
  options: { readonly graceSeconds: number; readonly quietSeconds: number; readonly limit: number },
): Promise<DueRow[]> {
  const { rows } = await db.query<{ id: string; generation: number; scheduled_for: Date; was_rescued: boolean }>({
    name: "find-unwoken",
    text: `
      update step_execution e set rescued_at = clock_timestamp()
      from (
        select id, rescued_at is not null as was_rescued from step_execution
        where status = 'scheduled' and scheduled_for <= statement_timestamp() - make_interval(secs => $1)
          and (rescued_at is null or rescued_at <= clock_timestamp() - make_interval(secs => $2))
        order by scheduled_for limit $3 for update skip locked
      ) due
      where e.id = due.id
      returning e.id, e.generation, e.scheduled_for, due.was_rescued`,
    values: [options.graceSeconds, options.quietSeconds, options.limit],
  });
  return rows.map((row) => ({
    executionId: row.id,
    generation: row.generation,
    scheduledFor: row.scheduled_for,
    wasRescued: row.was_rescued,
  }));
}

/** Due rows that a sweep woke at least `graceSeconds` ago and that are still due, oldest first. Marks nothing. */
export async function findOverdue(
  db: Queryable,
  options: { readonly graceSeconds: number; readonly limit: number },
): Promise<Omit<DueRow, "wasRescued">[]> {
  const { rows } = await db.query<{ id: string; generation: number; scheduled_for: Date }>({
    name: "find-overdue",
    text: `select id, generation, scheduled_for from step_execution
           where status = 'scheduled' and scheduled_for <= statement_timestamp()
             and rescued_at <= clock_timestamp() - make_interval(secs => $1)
           order by scheduled_for limit $2`,
    values: [options.graceSeconds, options.limit],
  });
  return rows.map((row) => ({ executionId: row.id, generation: row.generation, scheduledFor: row.scheduled_for }));
}
