import { setTimeout as wait } from "node:timers/promises";
import type { Database } from "@dripline/db/database";
import { cpuSeconds } from "./cpu.ts";
import { requireExactlyOnce } from "./exactly-once.ts";
import { warmUpEmails } from "./message.ts";
import { type People, seedPeople } from "./people.ts";
import type { Backend, Installation, Services } from "./services.ts";
import { type WarmWorkers, type WorkerOptions, waitUntilSent, withWarmWorkers } from "./warm-workers.ts";

export interface Drained {
  readonly perSecond: number;
  /** Of the workers, PostgreSQL, Redis and the mail server together, for each email. */
  readonly cpuMilliseconds: number;
  readonly workerCpuMilliseconds: number;
  /** The most that any of them had resident. */
  readonly workerMemoryBytes: number;
  /** Transactions in PostgreSQL for each email: how well the emails in hand share their statements. */
  readonly transactions: number;
}

export interface DrainOptions extends WorkerOptions {
  readonly backend: Backend;
  readonly emails: number;
}

const drainMillisecondsMax = 300_000;

/** A drain in an installation of its own. */
export async function measureDrain(services: Services, options: DrainOptions): Promise<Drained> {
  const installation = await services.install(options.backend);
  try {
    const people = await seedPeople(installation, { ready: warmUpEmails + options.emails });
    return await drainWave(services, installation, people, options);
  } finally {
    await installation.remove();
  }
}

/** A nine o'clock wave: everybody's email is due in one moment, and the workers stand ready for it. */
export async function drainWave(
  services: Services,
  installation: Installation,
  people: People,
  options: WorkerOptions & { readonly emails: number },
): Promise<Drained> {
  return withWarmWorkers(services, installation, people, options, (workers) =>
    drain(services, installation.database, people, workers, options.emails),
  );
}

async function drain(
  services: Services,
  database: Database,
  people: People,
  workers: WarmWorkers,
  emails: number,
): Promise<Drained> {
  const due = workers.momentFor(emails);
  await people.makeDue(emails, `'${due.toISOString()}'::timestamptz`);
  const left = due.getTime() - Date.now();
  if (left < 0)
    throw new Error(`The wave was due ${-left} ms before it was queued: the machine is too slow or too busy.`);
  await wait(Math.max(0, left - 50));

  const transactionsBefore = await transactionCount(database);
  const before = { all: await allCpu(), workers: await cpuSeconds(workers.pids) };
  await waitUntilSent(database, { since: due, until: due, millisecondsMax: drainMillisecondsMax });
  const used = { all: (await allCpu()) - before.all, workers: (await cpuSeconds(workers.pids)) - before.workers };
  const transactions = (await transactionCount(database)) - transactionsBefore;
  const drained = {
    perSecond: emails / (await takenSeconds(database, due)),
    cpuMilliseconds: (used.all * 1_000) / emails,
    workerCpuMilliseconds: (used.workers * 1_000) / emails,
    workerMemoryBytes: await workers.peakMemoryBytes(),
    transactions: transactions / emails,
  };
  await requireExactlyOnce(database, services.sink, {
    emails: warmUpEmails + emails,
    from: workers.since,
    until: due,
  });
  return drained;

  async function allCpu(): Promise<number> {
    return (await services.cpuSeconds()) + (await cpuSeconds(workers.pids));
  }
}

async function transactionCount(database: Database): Promise<number> {
  await database.query("select pg_stat_force_next_flush()");
  const { rows } = await database.query<{ count: string }>(
    "select xact_commit as count from pg_stat_database where datname = current_database()",
  );
  return Number(rows[0]?.count);
}

/** From the moment it was due until the mail server had accepted the last. */
async function takenSeconds(database: Database, due: Date): Promise<number> {
  const { rows } = await database.query<{ last: Date }>(
    "select max(sent_at) as last from step_execution where scheduled_for = $1",
    [due],
  );
  return ((rows[0]?.last.getTime() ?? 0) - due.getTime()) / 1_000;
}
