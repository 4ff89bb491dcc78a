import { setTimeout as wait } from "node:timers/promises";
import type { Database } from "@dripline/db/database";
import { cpuSeconds } from "./cpu.ts";
import { requireExactlyOnce } from "./exactly-once.ts";
import { warmUpEmails } from "./message.ts";
import { type People, seedPeople } from "./people.ts";
import type { Backend, Installation, ServiceCpu, Services } from "./services.ts";
import { type WarmWorkers, type WorkerOptions, waitUntilSent, withWarmWorkers } from "./warm-workers.ts";

export interface Drained {
  readonly perSecond: number;
  /** Of the workers, PostgreSQL, Redis and the mail server together, for each email. */
  readonly cpuMilliseconds: number;
  readonly cpuParts: CpuParts;
  /** The most that any of them had resident. */
  readonly workerMemoryBytes: number;
  /** Transactions in PostgreSQL for each email: how well the emails in hand share their statements. */
  readonly transactions: number;
}

/** Milliseconds for each email. */
type CpuParts = ServiceCpu & { readonly workers: number };

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
  const before = await usedCpu();
  await waitUntilSent(database, { since: due, until: due, millisecondsMax: drainMillisecondsMax });
  const after = await usedCpu();
  const transactions = (await transactionCount(database)) - transactionsBefore;
  const ofEmail = (part: keyof CpuParts) => ((after[part] - before[part]) * 1_000) / emails;
  const [postgres, redis, sink] = [ofEmail("postgres"), ofEmail("redis"), ofEmail("sink")];
  const cpuParts = { workers: ofEmail("workers"), postgres, redis, sink };
  const drained = {
    perSecond: emails / (await takenSeconds(database, due)),
    cpuMilliseconds: cpuParts.workers + postgres + redis + sink,
    cpuParts,
    workerMemoryBytes: await workers.peakMemoryBytes(),
    transactions: transactions / emails,
  };
  await requireExactlyOnce(database, services.sink, {
    emails: warmUpEmails + emails,
    from: workers.since,
    until: due,
  });
  return drained;

  async function usedCpu(): Promise<CpuParts> {
    return { ...(await services.cpuSeconds()), workers: await cpuSeconds(workers.pids) };
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
