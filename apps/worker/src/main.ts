import { openDatabase } from "@dripline/db/database";
import { REAL_PACE } from "@dripline/domain/delay";
import { createRenderer } from "@dripline/mail/render";
import { createSmtpTransport } from "@dripline/mail/smtp-transport";
import { openWakeQueue } from "@dripline/queue/open-wake-queue";
import { readWorkerConfig } from "@dripline/runtime/config";
import { describeConfigProblems } from "@dripline/runtime/config-problem";
import { createLogger } from "@dripline/runtime/logger";
import { handleShutdown } from "@dripline/runtime/shutdown";
import { runWorker } from "./run-worker.ts";

const read = readWorkerConfig(process.env);
if (!read.ok) {
  process.stderr.write(`${describeConfigProblems(read.problems)}\n`);
  process.exit(1);
}
const { config } = read;
const log = createLogger({ role: "worker", level: config.logLevel, isTerminal: process.stdout.isTTY === true });
const shutdown = handleShutdown({ log, graceSeconds: config.shutdownGraceSeconds });
const now = () => new Date();

const db = openDatabase({
  url: config.databaseUrl,
  // Every email under way may be recording while the sweep looks around.
  connectionsMax: config.concurrency + 3,
  applicationName: "dripline worker",
  // A publish that takes 100,000 people along holds their rows for a minute. Their emails wait in the queue meanwhile, not
  // in here, where they would keep everybody else's from going out.
  lockSeconds: 5,
  onError: (err) => log.warn({ err }, "an idle database connection was lost"),
});
shutdown.onClose("database", () => db.end());

const queue = openWakeQueue({ redisUrl: config.redisUrl, databaseUrl: config.databaseUrl, now, role: "worker" });
shutdown.onClose("queue", () => queue.close());

const transport = createSmtpTransport({
  url: config.smtpUrl,
  // A connection for each email under way: a claimed email that waits for one would use up its lease.
  poolSize: config.concurrency,
  // Up to the "354" nothing has left, so giving up early costs a retry and no doubt; the final reply gets the ten
  // minutes of RFC 5321 section 4.5.3.2.6.
  timeouts: { connectMs: 30_000, envelopeMs: 60_000, finalReplyMs: config.smtpFinalReplySeconds * 1_000 },
});
shutdown.onClose("mail transport", () => transport.close());

const worker = runWorker(
  {
    db,
    queue,
    transport,
    renderer: createRenderer(),
    log,
    now,
    pace: config.dayLengthMilliseconds === undefined ? REAL_PACE : { dayMilliseconds: config.dayLengthMilliseconds },
    limits: config.limits,
    from: config.mailFrom,
    secret: config.secret,
    publicUrl: config.publicUrl,
    // The mark outlasts the wait for the final reply; a shorter lease would call emails in doubt that are only slow.
    leases: {
      claimSeconds: config.claimLeaseSeconds,
      dataSeconds: config.smtpFinalReplySeconds + config.claimLeaseSeconds,
    },
  },
  { concurrency: config.concurrency, sweepSeconds: 5 },
);
shutdown.onClose("worker", () => worker.close((config.shutdownGraceSeconds - 2) * 1_000));

await worker.whenReady();
log.info({ backend: queue.backend, concurrency: config.concurrency }, "ready");
process.send?.({ type: "ready" });
