import type { Database } from "@dripline/db/database";
import { waitFor } from "@dripline/testkit/wait-for";
import { cpuSeconds } from "./cpu.ts";
import { enrollDue, makeBenchSequence, wakeAll } from "./people.ts";
import { startWorkers } from "./processes.ts";
import type { Backend, Installation, Services } from "./services.ts";

export interface Drained {
  readonly perSecond: number;
  /** Of the workers, PostgreSQL, Redis and the mail server together. */
  readonly cpuMilliseconds: number;
  readonly workerCpuMilliseconds: number;
  readonly workerMemoryBytes: number;
  /** Transactions in PostgreSQL for each email: how well the emails in hand share their statements. */
  readonly transactions: number;
}

export interface DrainOptions {
  readonly backend: Backend;
  readonly workers: number;
  readonly concurrency: number;
  readonly emails: number;
  /** Enrollments that wait besides, for days. */
  readonly waiting?: number;
  /** For the workers' logs. */
  readonly directory: string;
  /** Each worker leaves a CPU profile there. */
  readonly profileDirectory: string | undefined;
}

/** Until then the people are written, their timers queued and the workers started, however slow the machine is. */
const aheadSeconds = 6;
const writtenPerSecond = 1_000;
const drainMillisecondsMax = 300_000;

/** A nine o'clock wave: everybody's email is due in one moment, and the workers stand ready for it. */
export async function measureDrain(services: Services, options: DrainOptions): Promise<Drained> {
  const installation = await services.install(options.backend);
  try {
    return await drain(services, installation, options);
  } finally {
    await installation.remove();
  }
}

async function drain(services: Services, installation: Installation, options: DrainOptions): Promise<Drained> {
  const { database } = installation;
  const { emails, workers: count, concurrency, waiting = 0 } = options;
  const sequenceId = await makeBenchSequence(database);
  if (waiting > 0) {
    const dueAt = "now() + interval '5 days' + interval '20 days' * random()";
    await enrollDue(installation, { sequenceId, count: waiting, dueAt });
    await wakeAll(installation, new Date(Date.now() + 40 * 86_400_000));
  }
  const due = new Date(Date.now() + (aheadSeconds + emails / writtenPerSecond) * 1_000);
  await enrollDue(installation, {
    sequenceId,
    count: emails,
    dueAt: `'${due.toISOString()}'::timestamptz`,
    from: waiting,
  });
  await database.query("vacuum analyze");
  await wakeAll(installation, new Date(due.getTime() + 1));
  const env = {
    ...installation.env,
    WORKER_CONCURRENCY: String(concurrency),
  };
  const workers = await startWorkers(count, env, options);
  try {
    const left = due.getTime() - Date.now();
    if (left < 0)
      throw new Error(`The wave was due ${-left} ms before everything stood ready: the machine is too slow.`);
    await new Promise((resolve) => setTimeout(resolve, left - 50));
    const transactionsBefore = await transactionCount(database);
    const before = { all: await allCpu(), workers: await cpuSeconds(workers.pids) };
    await waitFor(() => isOver(database, due), {
      timeoutMilliseconds: drainMillisecondsMax,

      describe: "all emails to be sent",
    });
    const used = { all: (await allCpu()) - before.all, workers: (await cpuSeconds(workers.pids)) - before.workers };
    const seconds = await takenSeconds(database, due);
    const transactions = ((await transactionCount(database)) - transactionsBefore) / emails;
    const workerMemoryBytes = await workers.peakMemoryBytes();
    await requireOnce(services, database, emails, due);
    return {
      perSecond: emails / seconds,
      cpuMilliseconds: (used.all * 1_000) / emails,
      workerCpuMilliseconds: (used.workers * 1_000) / emails,
      workerMemoryBytes,
      transactions,
    };
  } finally {
    await workers.stop();
  }

  async function allCpu(): Promise<number> {
    return (await services.cpuSeconds()) + (await cpuSeconds(workers.pids));
  }
}

async function isOver(database: Database, due: Date): Promise<boolean> {
  const { rows } = await database.query(
    `select not exists (select from step_execution where status in ('scheduled', 'sending') and scheduled_for <= $1) as over`,
    [due],
  );
  return rows[0].over;
}

async function transactionCount(database: Database): Promise<number> {
  await database.query("select pg_stat_force_next_flush()");
  const { rows } = await database.query<{ count: string }>(
    "select xact_commit as count from pg_stat_database where datname = current_database()",
  );
  return Number(rows[0]?.count);
}

async function takenSeconds(database: Database, due: Date): Promise<number> {
  const { rows } = await database.query<{ last: Date }>("select max(sent_at) as last from step_execution");
  return ((rows[0]?.last.getTime() ?? 0) - due.getTime()) / 1_000;
}

/** A run in which an email is missing, double or not recorded is no result. */
async function requireOnce(services: Services, database: Database, emails: number, due: Date): Promise<void> {
  const { rows } = await database.query<{ message_id: string }>(
    "select message_id from step_execution where status = 'sent' and due_at <= $1",
    [due],
  );
  const arrived = await services.sink.messageIds();
  const sent = new Set(rows.map((row) => row.message_id));
  const isOnce = rows.length === emails && arrived.length === emails && arrived.every((id) => sent.delete(id));
  if (!isOnce)
    throw new Error(`No result: of ${emails} emails ${rows.length} are recorded as sent, ${arrived.length} arrived.`);
}
