import type { PgPool } from "bullmq";
import { wakeQueueName } from "./wake-jobs.ts";

// One subquery for each partial index of BullMQ's `job`; its own statement counts all states in one walk over every row.
const statement = `
  select
    (select count(*)::int from (select from job where queue = $1 and state = 'active' limit $2) j) as active,
    (select count(*)::int from (select from job where queue = $1 and state = 'waiting' limit $2) j) as waiting,
    (select count(*)::int from (select from job where queue = $1 and state = 'delayed' limit $2) j) as delayed,
    (select count(*)::int from (select from job where queue = $1 and state = 'failed' limit $2) j) as failed,
    (select count(*)::int from (select from job where queue = $1 and state = 'completed' limit $2) j) as completed,
    exists (select from meta where queue = $1 and field = 'paused' and value = '1') as is_paused`;

/**
 * Jobs by state, each counted along its own index and no further than `upTo`. Waiting jobs of a paused queue are `paused`,
 * as BullMQ says it.
 */
export async function countPostgresJobs(pool: PgPool, upTo: number): Promise<Record<string, number>> {
  const { rows } = await pool.query<{
    active: number;
    waiting: number;
    delayed: number;
    failed: number;
    completed: number;
    is_paused: boolean;
  }>(statement, [wakeQueueName, upTo]);
  const [row] = rows;
  if (row === undefined) throw new Error("a select without a table answered no row");
  const { is_paused: isPaused, waiting, ...counts } = row;
  return { ...counts, waiting: isPaused ? 0 : waiting, paused: isPaused ? waiting : 0 };
}
