import { waitFor } from "@dripline/testkit/wait-for";
import { type ApiCalls, withApi } from "./api-calls.ts";
import { measureQueueCeiling, type QueueCeiling } from "./ceilings.ts";
import { makeBenchSequence } from "./people.ts";
import { startWorkers } from "./processes.ts";
import { requireQueued } from "./require-queued.ts";
import type { Backend, Services } from "./services.ts";
import type { Sizes } from "./sizes.ts";

/** Enrollments a second, in each of the ways in which people come. */
export interface Enrolled {
  readonly oneByOnePerSecond: number;
  readonly bulkPerSecond: number;
  /** With several requests under way at a time. */
  readonly bulkAtOncePerSecond: number;
  /** Before and after the bulk requests. */
  readonly ceilings: readonly [QueueCeiling, QueueCeiling];
  readonly csvPerSecond: number;
}

/** Requests at a time, one by one: a handful of an integrator's own processes. */
const requestsAtOnce = 8;
const warmUpRequests = 50;
/** Bulk requests at a time, in the part that has several: while PostgreSQL writes for one, the API and Redis work for another. */
export const bulkRequestsAtOnce = 4;
/** Of each bulk request: the most that one takes, and as many as one addBulk of ceiling C. */
export const bulkItems = 1_000;
const warmUpItems = 200;
const ceilingJobsMin = 1_000;
const importMillisecondsMax = 600_000;

/** Everybody's first email is due in three days, so that each enrollment leaves a timer and nothing is sent. */
export async function measureEnrollment(
  services: Services,
  { backend, sizes, directory }: { readonly backend: Backend; readonly sizes: Sizes; readonly directory: string },
): Promise<Enrolled> {
  const installation = await services.install(backend);
  try {
    const sequenceId = await makeBenchSequence(installation.database, { firstAfterDays: 3 });
    const ceiling = () =>
      measureQueueCeiling(services, Math.max(ceilingJobsMin, sizes.bulkRequests * bulkItems), directory);
    const measured = await withApi(installation, directory, async (api) => {
      await enrollOneByOne(api, sequenceId, "first", warmUpRequests);
      const oneByOnePerSecond = await enrollOneByOne(api, sequenceId, "one", sizes.enrolledOneByOne);
      await enrollInBulk(api, sequenceId, "early", { requests: 1, items: warmUpItems });
      // As autovacuum does within a minute. Before, with statistics of empty tables, a bulk request takes three times as long.
      await installation.database.query("vacuum analyze");
      const before = await ceiling();
      const bulk = { requests: sizes.bulkRequests, items: bulkItems };
      const bulkPerSecond = await enrollInBulk(api, sequenceId, "bulk", bulk);
      const bulkAtOncePerSecond = await enrollInBulk(api, sequenceId, "many", { ...bulk, atOnce: bulkRequestsAtOnce });
      const ceilings = [before, await ceiling()] as const;
      const env = { ...installation.env, WORKER_CONCURRENCY: "10" };
      const workers = await startWorkers(1, env, { directory, profileDirectory: undefined });
      try {
        return {
          oneByOnePerSecond,
          bulkPerSecond,
          bulkAtOncePerSecond,
          ceilings,
          csvPerSecond: await enrollByCsv(api, sequenceId, sizes.csvRows),
        };
      } finally {
        await workers.stop();
      }
    });
    const { enrolledOneByOne, bulkRequests, csvRows } = sizes;
    const people = warmUpRequests + enrolledOneByOne + warmUpItems + 2 * bulkRequests * bulkItems + csvRows;
    await requireQueued(installation, people);
    return measured;
  } finally {
    await installation.remove();
  }
}

async function enrollOneByOne(api: ApiCalls, sequenceId: string, name: string, count: number): Promise<number> {
  let next = 0;
  const start = performance.now();
  const client = async () => {
    while (next < count) {
      next += 1;
      const contact = { email: `${name}-${next}@example.com`, first_name: "Ann" };
      await api.send("POST", "/sequence-enrollments/enroll/", { sequence_id: sequenceId, contact });
    }
  };
  await Promise.all(Array.from({ length: requestsAtOnce }, client));
  return perSecond(count, start);
}

/** One request after the other, as ceiling C adds one list after the other, or several at once. Answers enrollments a second. */
export async function enrollInBulk(
  api: ApiCalls,
  sequenceId: string,
  name: string,
  { requests, items, atOnce = 1 }: { readonly requests: number; readonly items: number; readonly atOnce?: number },
): Promise<number> {
  const bodies = Array.from({ length: requests }, (_, request) => ({
    sequence_id: sequenceId,
    items: Array.from({ length: items }, (_, item) => ({
      contact: { email: `${name}-${request}-${item}@example.com`, first_name: "Ann" },
    })),
  }));
  const start = performance.now();
  const client = async () => {
    for (let body = bodies.pop(); body !== undefined; body = bodies.pop()) {
      const { enrolled } = await api.send<{ enrolled: number }>("POST", "/sequence-enrollments/bulk/", body);
      if (enrolled !== items) throw new Error(`No result: a bulk request enrolled ${enrolled} of ${items}.`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, client));
  return perSecond(requests * items, start);
}

interface ImportAnswer {
  readonly id: string;
  readonly status: string;
  readonly counts: { readonly enrolled: number };
  readonly started_at: string;
  readonly ended_at: string;
}

/** From the moment a worker takes the file until it has its last row; until one looks, up to two seconds pass. */
async function enrollByCsv(api: ApiCalls, sequenceId: string, rows: number): Promise<number> {
  const { id } = await api.send<ImportAnswer>("POST", "/imports/", { file_name: "bench.csv", enroll_in: sequenceId });
  const lines = Array.from({ length: rows }, (_, row) => `csv-${row}@example.com,Ann\n`);
  await api.upload(`/imports/${id}/file/`, `email,first_name\n${lines.join("")}`);
  const done = await waitFor(
    async () => {
      const answer = await api.send<ImportAnswer>("GET", `/imports/${id}/`);
      return ["completed", "failed"].includes(answer.status) && answer;
    },
    { timeoutMilliseconds: importMillisecondsMax, describe: "the import to end" },
  );
  if (done.status !== "completed" || done.counts.enrolled !== rows) {
    throw new Error(`No result: the import is ${done.status} and enrolled ${done.counts.enrolled} of ${rows}.`);
  }
  return (rows * 1_000) / (Date.parse(done.ended_at) - Date.parse(done.started_at));
}

function perSecond(count: number, start: number): number {
  return (count * 1_000) / (performance.now() - start);
}
