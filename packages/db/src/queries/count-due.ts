import type { Queryable } from "../database.ts";

export interface DueCounts {
  /** Scheduled for now or before. */
  readonly due: number;
  /** To how many contacts those are. */
  readonly people: number;
  readonly oldestDueAt: Date | null;
  /** Scheduled for the 24 hours after now. */
  readonly nextDay: number;
}

/** What would go out, by the database's clock: now, and within a day. */
export async function countDue(db: Queryable): Promise<DueCounts> {
  const { rows } = await db.query<{ due: number; people: number; oldest: Date | null; next_day: number }>(
    `select count(*) filter (where is_due)::int as due, count(distinct contact_id) filter (where is_due)::int as people,
            min(scheduled_for) as oldest, count(*) filter (where not is_due)::int as next_day
     from (
       select e.scheduled_for, e.scheduled_for <= statement_timestamp() as is_due, n.contact_id
       from step_execution e join sequence_enrollment n on n.id = e.enrollment_id
       where e.status = 'scheduled' and e.scheduled_for <= statement_timestamp() + interval '1 day'
     ) e`,
  );
  const [row] = rows;
  if (row === undefined) throw new Error("a count has no rows");
  return { due: row.due, people: row.people, oldestDueAt: row.due === 0 ? null : row.oldest, nextDay: row.next_day };
}
