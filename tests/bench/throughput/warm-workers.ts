import type { Database } from "@dripline/db/database";
import { waitFor } from "@dripline/testkit/wait-for";
import { warmUpEmails } from "./message.ts";
import type { People } from "./people.ts";
import { startWorkers, type Workers } from "./processes.ts";
import type { Installation, Services } from "./services.ts";

export interface WorkerOptions {
  readonly workers: number;
  /** SMTP connections of each. */
  readonly concurrency: number;
  /** For the workers' logs. */
  readonly directory: string;
  /** Each worker leaves a CPU profile there. */
  readonly profileDirectory: string | undefined;
}

export interface WarmWorkers extends Workers {
  /** When the first of the warm-up emails was due: what is sent from then on is checked. */
  readonly since: Date;
  /** A moment to come by which so many emails are made due and queued, judged by how long those of the warm-up took. */
  momentFor(emails: number): Date;
}

/** Slower ones than this show in how long the warm-up's took. */
const queuedPerSecondMin = 1_500;

const warmUpMillisecondsMax = 30_000;

/**
 * Starts workers, lets them send a few emails, runs `measure` and ends them. Their connections are open and their code is
 * warm then, as those of ceiling A are.
 */
export async function withWarmWorkers<Result>(
  services: Services,
  installation: Installation,
  people: People,
  options: WorkerOptions,
  measure: (workers: WarmWorkers) => Promise<Result>,
): Promise<Result> {
  const { database, env } = installation;
  await services.sink.forget();
  const workers = await startWorkers(
    options.workers,
    { ...env, WORKER_CONCURRENCY: String(options.concurrency) },
    options,
  );
  try {
    const since = new Date();
    await people.makeDue(warmUpEmails, `'${since.toISOString()}'::timestamptz`);
    const queuedMilliseconds = Date.now() - since.getTime();
    await waitUntilSent(database, { since, until: since, millisecondsMax: warmUpMillisecondsMax });
    const momentFor = (emails: number) =>
      new Date(Date.now() + 1_000 + 3 * queuedMilliseconds + (emails * 1_000) / queuedPerSecondMin);
    return await measure({ ...workers, since, momentFor });
  } finally {
    await workers.stop();
  }
}

/** Until nothing is open that was scheduled from `since` to `until`. */
export async function waitUntilSent(
  database: Database,
  { since, until, millisecondsMax }: { readonly since: Date; readonly until: Date; readonly millisecondsMax: number },
): Promise<void> {
  await waitFor(
    async () => {
      const { rows } = await database.query<{ isOver: boolean }>(
        `select not exists (
           select from step_execution where status in ('scheduled', 'sending') and scheduled_for between $1 and $2
         ) as "isOver"`,
        [since, until],
      );
      return rows[0]?.isOver;
    },
    { timeoutMilliseconds: millisecondsMax, describe: "all emails to be sent" },
  );
}
