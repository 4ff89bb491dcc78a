import type { Queryable } from "../database.ts";

/** What an installation as a whole looks like at this moment, by the database's clock. */
export interface InstallationState {
  /** Scheduled and due: nobody has claimed them. */
  readonly dueBacklog: number;
  /** How long the oldest of them has been due; 0 if none is. */
  readonly oldestDueSeconds: number;
  readonly inDoubtOpen: number;
  /** Kept back until somebody puts something right; whoever waits for a pause to end is not among them. */
  readonly held: number;
  readonly failed: number;
  /** Scopes that are slowed down to one email at a time. */
  readonly pausedScopes: number;
}

/**
 * For whoever watches, every few seconds: each number is counted along an index and no further than `countedMax`, so a
 * backlog of millions costs no more than one of that many. With 1.8 million executions: 1 ms for 1,000 that are due, 9 to 17 ms
 * for 301,000 with a limit of 100,000.
 */
export async function readInstallationState(
  db: Queryable,
  { countedMax }: { readonly countedMax: number },
): Promise<InstallationState> {
  const { rows } = await db.query<{
    due: number;
    oldest_seconds: number;
    in_doubt: number;
    held: number;
    failed: number;
    paused_scopes: number;
  }>({ name: "read-installation-state", text: statement, values: [countedMax] });
  const [row] = rows;
  if (row === undefined) throw new Error("a select without a table answered no row");
  return {
    dueBacklog: row.due,
    oldestDueSeconds: row.oldest_seconds,
    inDoubtOpen: row.in_doubt,
    held: row.held,
    failed: row.failed,
    pausedScopes: row.paused_scopes,
  };
}

// Of the held ones, those of a pause can be everybody: the index is entered before, between and after the two reasons,
// which are in the order of the alphabet. `statement_timestamp()`, so that the index knows where what is due ends; in the order
// of the index, because with old statistics everything that waits was read without: 160 ms instead of 26.
const statement = `
  select
    (select count(*)::int from (
      select from step_execution where status = 'scheduled' and scheduled_for <= statement_timestamp()
      order by scheduled_for limit $1
    ) due) as due,
    coalesce((select extract(epoch from statement_timestamp() - scheduled_for)::float8 from step_execution
      where status = 'scheduled' and scheduled_for <= statement_timestamp() order by scheduled_for limit 1
    ), 0) as oldest_seconds,
    (select count(*)::int from (select from step_execution where status = 'in_doubt' limit $1) doubts) as in_doubt,
    (select count(*)::int from (
      select from step_execution where status = 'pending' and hold_reason < 'enrollment_paused'
      union all
      select from step_execution
      where status = 'pending' and hold_reason > 'enrollment_paused' and hold_reason < 'sequence_paused'
      union all
      select from step_execution where status = 'pending' and hold_reason > 'sequence_paused'
      limit $1
    ) held) as held,
    (select count(*)::int from (select from step_execution where status = 'failed' limit $1) failed) as failed,
    (select count(*)::int from delivery_backoff) as paused_scopes`;
