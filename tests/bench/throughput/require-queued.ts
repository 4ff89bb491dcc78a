import type { Installation } from "./services.ts";

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
  const isExact = Object.values(counts).every((count) => count === people) && queued.every((id) => waiting.delete(id));
  if (!isExact) throw new Error(`No result: of ${people} people there are ${JSON.stringify(counts)}.`);

  async function queuedExecutions(): Promise<string[]> {
    const found: string[] = [];
    for (let from = 0; ; from += pageSize) {
      const jobs = await queue.bullQueue().getDelayed(from, from + pageSize - 1);
      found.push(...jobs.map(({ data }) => String(data.executionId)));
      if (jobs.length < pageSize) return found;
    }
  }
}
