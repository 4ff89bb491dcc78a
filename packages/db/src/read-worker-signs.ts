import type { Queryable } from "./database.ts";

/** What the database shows of the workers. */
export interface WorkerSigns {
  /** One is connected and has given a statement within the last half minute; it gives one every five seconds. */
  readonly isAtWork: boolean;
  /** Emails that have been due for more than a minute and are in nobody's hands; counted up to 10,000. */
  readonly overdue: number;
  /** For how long the oldest of them has been due; 0 without one. */
  readonly oldestSeconds: number;
}

/** The name under which a worker's connections show in pg_stat_activity. */
export const workerApplicationName = "dripline worker";

/** By the connections of this database, as nobody registers anywhere; seen only by the user that the workers log in as. */
export async function readWorkerSigns(db: Queryable): Promise<WorkerSigns> {
  const { rows } = await db.query<{ is_at_work: boolean; overdue: number; oldest_seconds: number | null }>(
    `select exists (
              select from pg_stat_activity
              where datname = current_database() and application_name = $1
                and greatest(state_change, query_start) > clock_timestamp() - interval '30 seconds'
            ) as is_at_work,
            count(*)::int as overdue,
            extract(epoch from now() - min(scheduled_for))::float8 as oldest_seconds
     from (
       select scheduled_for from step_execution
       where status = 'scheduled' and scheduled_for <= now() - interval '1 minute'
       order by scheduled_for limit 10000
     ) as overdue`,
    [workerApplicationName],
  );
  const [found] = rows;
  return {
    isAtWork: found?.is_at_work ?? false,
    overdue: found?.overdue ?? 0,
    oldestSeconds: found?.oldest_seconds ?? 0,
  };
}
