import { setTimeout as wait } from "node:timers/promises";
import { type Database, isDatabaseUnavailable, openDatabase } from "@dripline/db/database";
import { DatabaseClock } from "@dripline/db/database-clock";
import { workerApplicationName } from "@dripline/db/read-worker-signs";
import { REAL_PACE } from "@dripline/domain/delay";
import { openManagement } from "@dripline/engine/open-management";
import { openTracing } from "@dripline/engine/open-tracing";
import { requireSoundStart } from "@dripline/engine/require-sound-start";
import { traceWakes } from "@dripline/engine/trace-wakes";
import { createRenderer } from "@dripline/mail/render";
import { createSmtpTransport } from "@dripline/mail/smtp-transport";
import type { MailTransport } from "@dripline/mail/transport";
import { openWakeQueue } from "@dripline/queue/open-wake-queue";
import type { LockTimes } from "@dripline/queue/wake-queue";
import { readWorkerConfig } from "@dripline/runtime/config";
import { describeConfigProblems } from "@dripline/runtime/config-problem";
import { createLogger } from "@dripline/runtime/logger";
import { refuseStart } from "@dripline/runtime/refuse-start";
import { handleShutdown } from "@dripline/runtime/shutdown";
import { findUnknownVariables, warnOfUnknownVariables } from "@dripline/runtime/unknown-variables";
import { watchConnections } from "@dripline/telemetry/installation-gauges";
import { openMetricRegistry } from "@dripline/telemetry/instruments";
import { makeReadinessBoard } from "@dripline/telemetry/readiness";
import type { OnCheckpoint } from "./checkpoints.ts";
import { makeMailSlots } from "./mail-slots.ts";
import { runWorker } from "./run-worker.ts";
import type { WorkerLog } from "./send-deps.ts";
import { stopTimes } from "./stop-times.ts";
import { wakeInBatches } from "./wake-in-batches.ts";
import { makeWorkerMetrics } from "./worker-metrics.ts";

const waitMilliseconds = 500;

/**
 * While one email is at the mail server the next is claimed, and the one after that read, decided on and composed: many of
 * them with one statement. docs/performance.md says what more would give.
 */
const claimedPerConnection = 2;
const inHandPerConnection = 3;

/** Two good clocks drift apart by microseconds in that time; after a suspended machine wakes up, this is how long it is wrong. */
const clockSyncMilliseconds = 5_000;

/** Where tests get between the parts of a real worker process: to watch it, to kill it, to take a protection away. */
export interface WorkerSeams {
  readonly onCheckpoint?: OnCheckpoint;
  readonly database?: (database: Database) => Database;
  readonly transport?: (transport: MailTransport) => MailTransport;
  /** How soon a dead worker's wake-ups are given to another, for tests that kill many. */
  readonly lock?: LockTimes;
  readonly sweepSeconds?: number;
}

/** A whole worker process, from its settings to "ready". Ends the process if they cannot be used. */
export async function startWorker(env: NodeJS.ProcessEnv, seams: WorkerSeams = {}): Promise<void> {
  const read = readWorkerConfig(env);
  if (!read.ok) {
    process.stderr.write(`${describeConfigProblems(read.problems, findUnknownVariables(env))}\n`);
    process.exit(1);
  }
  const { config } = read;
  const log = createLogger({ role: "worker", level: config.logLevel, isTerminal: process.stdout.isTTY === true });
  const shutdown = handleShutdown({ log, graceSeconds: config.shutdownGraceSeconds });
  warnOfUnknownVariables(env, log);

  const tracing = await openTracing({ settings: config.tracing, role: "worker", log, now: () => new Date() });
  shutdown.onClose("traces", () => tracing.close());
  const { spans, telemetry } = tracing;

  const pool = openDatabase({
    url: config.databaseUrl,
    // Emails share most statements; what each asks alone (its turn under a limit, a retry) waits for a connection if need be. The
    // five are for sweeps, the clock, and an import that reads on while it writes.
    connectionsMax: config.concurrency + 5,
    applicationName: workerApplicationName,
    // A publish that takes 100,000 people along holds their rows for a minute. Their emails wait in the queue meanwhile, not
    // in here, where they would keep everybody else's from going out.
    lockSeconds: 5,
    plansOnce: true,
    onError: (err) => log.warn({ err }, "an idle database connection was lost"),
  });
  shutdown.onClose("database", () => pool.end());
  const db = seams.database?.(pool) ?? pool;

  const queue = openWakeQueue({
    redisUrl: config.redisUrl,
    databaseUrl: config.databaseUrl,
    now: () => new Date(), // jobs fire by the machine's clock
    role: "worker",
    telemetry,
  });
  shutdown.onClose("queue", () => queue.close());

  const metrics = openMetricRegistry("worker");
  watchConnections(metrics, pool);
  const readiness = makeReadinessBoard(shutdown.signal);
  const management = await openManagement({
    listen: config.management,
    metrics,
    readiness: readiness.read,
    databaseUrl: config.databaseUrl,
    publicUrl: config.publicUrl,
    queue,
  });
  if (management.kind === "refused") return refuseStart(shutdown, log, "worker", management.problems);
  shutdown.onClose("metrics", () => management.close());

  const start = await requireSoundStart({
    database: pool,
    databaseUrl: config.databaseUrl,
    queue,
    isQueueAwaited: true,
    now: () => new Date(),
    log,
    onWait: readiness.waitFor,
    signal: shutdown.signal,
  });
  if (start.kind === "refused") refuseStart(shutdown, log, "worker", start.problems);
  if (start.kind !== "sound") return;

  const clock = new DatabaseClock(() => performance.now());
  await setClock(clock, db, log, shutdown.signal);
  if (shutdown.signal.aborted) return;
  const syncing = setInterval(() => {
    clock
      .sync(db)
      .catch((err: unknown) =>
        log.warn({ err }, "the database's clock could not be read; going on by the last reading"),
      );
  }, clockSyncMilliseconds);
  shutdown.onClose("clock", () => clearInterval(syncing));

  const smtp = createSmtpTransport({
    url: config.smtpUrl,
    // No more emails wait for a connection than there are: a claimed email that waits uses up its lease meanwhile.
    poolSize: config.concurrency,
    timeouts: {
      connectMs: config.smtpTimeouts.connect * 1_000,
      envelopeMs: config.smtpTimeouts.envelope * 1_000,
      finalReplyMs: config.smtpTimeouts.finalReply * 1_000,
    },
  });
  // By then the worker has waited for its emails as long as it may, and told which are left.
  shutdown.onClose("mail transport", () => Promise.race([smtp.close(), wait(waitMilliseconds)]));

  const worker = runWorker(
    {
      db,
      queue: { ...queue, ...traceWakes(wakeInBatches(queue), spans, () => new Date()) },
      transport: seams.transport?.(smtp) ?? smtp,
      slots: makeMailSlots(config.concurrency * claimedPerConnection, shutdown.signal),
      renderer: createRenderer(),
      log,
      metrics: makeWorkerMetrics(metrics),
      spans,
      now: () => clock.now(),
      onCheckpoint: seams.onCheckpoint ?? (() => {}),
      stopping: shutdown.signal,
      pace: config.dayLengthMilliseconds === undefined ? REAL_PACE : { dayMilliseconds: config.dayLengthMilliseconds },
      limits: config.limits,
      from: config.mailFrom,
      secret: config.secret,
      publicUrl: config.publicUrl,
      // The mark outlasts the wait for the final reply; a shorter lease would call emails in doubt that are only slow.
      leases: {
        claimSeconds: config.claimLeaseSeconds,
        dataSeconds: config.smtpTimeouts.finalReply + config.claimLeaseSeconds,
      },
    },
    {
      inHandMax: config.concurrency * inHandPerConnection,
      sweepSeconds: seams.sweepSeconds ?? 5,
      importSeconds: 2,
      retentionDays: config.retentionDays,
      lock: seams.lock,
    },
  );
  shutdown.onClose("worker", () => worker.close(stopTimes(config.shutdownGraceSeconds)));

  readiness.waitFor("The worker waits for the queue.");
  await worker.whenReady();
  readiness.ready();
  log.info({ backend: queue.backend, concurrency: config.concurrency }, "ready");
  process.send?.({ type: "ready" });
}

/** A database that is there can go away again, or answer too slowly for its clock to be read. */
async function setClock(clock: DatabaseClock, db: Database, log: WorkerLog, signal: AbortSignal): Promise<void> {
  for (let isSet = false; !isSet && !signal.aborted; ) {
    try {
      isSet = (await clock.sync(db)) !== undefined;
    } catch (err) {
      if (!isDatabaseUnavailable(err)) throw err;
      log.warn({ err }, "waiting for the database");
    }
    if (!isSet) await wait(waitMilliseconds);
  }
}
