import { postgresQueueSchema } from "@dripline/queue/postgres-queue-schema";
import { wakeQueueName } from "@dripline/queue/wake-jobs";
import type { Installation } from "./services.ts";

/** On Redis more would take longer than the queue waits for an answer. */
const pageSize = 1_000;

/** @throws unless so many people are enrolled, each with one email that waits and one timer in the queue, and nobody else */
export async function requireQueued({ database, queue }: Installation, people: number): Promise<void> {
  const { rows } = await database.query<{ contacts: number; enrollments: number }>(
    `select (select count(*)::int from contact) as contacts,
            (select count(*)::int from sequence_enrollment where status = 'active') as enrollments`,
  );
  const { rows: executions } = await database.query<{ id: string }>(
    "select id from step_execution where status = 'scheduled'",
  );
  const waiting = new Set(executions.map(({ id }) => id));
  const queued = await queuedExecutions();
  const counts = { ...rows[0], executions: waiting.size, timers: queued.length };
  const timersOfNobody = queued.filter((id) => !waiting.delete(id)).length;
  if (Object.values(counts).every((count) => count === people) && timersOfNobody === 0) return;
  const found = JSON.stringify({ ...counts, timersOfNobody, withoutTimer: waiting.size });
  throw new Error(`No result: of ${people} people there are ${found}.`);

  function queuedExecutions(): Promise<string[]> {
    return queue.backend === "redis" ? onRedis() : onPostgres();
  }

  async function onRedis(): Promise<string[]> {
    const found: string[] = [];
    for (let from = 0; ; from += pageSize) {
      const jobs = await queue.bullQueue().getDelayed(from, from + pageSize - 1);
      found.push(...jobs.map(({ data }) => String(data.executionId)));
      if (jobs.length < pageSize) return found;
    }
  }

  /** From BullMQ's own table: asked for by BullMQ they come in no order, so not in pages, and one statement each. */
  async function onPostgres(): Promise<string[]> {
    const { rows: jobs } = await database.query<{ id: string }>(
      `select data ->> 'executionId' as id from ${postgresQueueSchema}.job where queue = $1 and state = 'delayed'`,
      [wakeQueueName],
    );
    return jobs.map(({ id }) => id);
  }
}
