import { readFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { REAL_PACE } from "@dripline/domain/delay";
import { openManagement } from "@dripline/engine/open-management";
import { openTracing } from "@dripline/engine/open-tracing";
import { requireSoundStart } from "@dripline/engine/require-sound-start";
import { traceWakes } from "@dripline/engine/trace-wakes";
import { compileTemplate } from "@dripline/mail/compile-template";
import { openWakeQueue } from "@dripline/queue/open-wake-queue";
import { readApiConfig } from "@dripline/runtime/config";
import { describeConfigProblems } from "@dripline/runtime/config-problem";
import { createLogger } from "@dripline/runtime/logger";
import { refuseStart } from "@dripline/runtime/refuse-start";
import { handleShutdown } from "@dripline/runtime/shutdown";
import { findUnknownVariables, warnOfUnknownVariables } from "@dripline/runtime/unknown-variables";
import { watchConnections } from "@dripline/telemetry/installation-gauges";
import { openMetricRegistry } from "@dripline/telemetry/instruments";
import { makeReadinessBoard } from "@dripline/telemetry/readiness";
import { makeApiMetrics } from "./api-metrics.ts";
import { buildApp } from "./build-app.ts";
import { openApiDatabase } from "./open-api-database.ts";
import { openRequestCounter } from "./open-request-counter.ts";
import { openTestMail } from "./open-test-mail.ts";

// Unasked, V8 lets the heap grow to a multiple of what lives in it, which is the template compiler for the most part: 550 MB
// while people are enrolled as fast as it goes. So it stays below 400 MB, for 3 ms of CPU an enrollment instead of 2.8.
setFlagsFromString("--heap-growing-percent=60");

const read = readApiConfig(process.env);
if (!read.ok) {
  process.stderr.write(`${describeConfigProblems(read.problems, findUnknownVariables(process.env))}\n`);
  process.exit(1);
}
const { config } = read;
const log = createLogger({ role: "api", level: config.logLevel, isTerminal: process.stdout.isTTY === true });
const shutdown = handleShutdown({ log, graceSeconds: config.shutdownGraceSeconds });
warnOfUnknownVariables(process.env, log);
const now = () => new Date();
const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};

const database = openApiDatabase(config.databaseUrl, (err) =>
  log.warn({ err }, "an idle database connection was lost"),
);
shutdown.onClose("database", () => database.end());

const {
  spans,
  telemetry,
  close: closeTracing,
} = await openTracing({ settings: config.tracing, role: "api", log, now });
shutdown.onClose("traces", closeTracing);

const opened = openWakeQueue({
  redisUrl: config.redisUrl,
  databaseUrl: config.databaseUrl,
  now,
  role: "producer",
  telemetry,
});
shutdown.onClose("queue", () => opened.close());
const queue = { ...opened, ...traceWakes(opened, spans, now) };

const redis = config.redisUrl === undefined ? null : openRequestCounter(config.redisUrl);
shutdown.onClose("request counter", async () => redis?.disconnect());

const metrics = openMetricRegistry("api");
watchConnections(metrics, database);
const readiness = makeReadinessBoard(shutdown.signal);
const management = await openManagement({
  listen: config.management,
  metrics,
  readiness: readiness.read,
  databaseUrl: config.databaseUrl,
  publicUrl: config.publicUrl,
  queue,
});
if (management.kind === "open") shutdown.onClose("metrics", () => management.close());
else refuseStart(shutdown, log, "API", management.problems);

/** Without a valid key, from one address: far more than a person tries, far less than a scanner wants. */
const perStrangerMax = 120;
const testMail = openTestMail(config);
shutdown.onClose("test mail", async () => testMail?.close());

const app = await buildApp({
  database,
  queue,
  log,
  metrics: makeApiMetrics(metrics),
  spans,
  now,
  pace: config.dayLengthMilliseconds === undefined ? REAL_PACE : { dayMilliseconds: config.dayLengthMilliseconds },
  limits: config.limits,
  requestLimits: { perKeyMax: config.requestsPerMinuteMax, perStrangerMax, redis },
  sender: config.mailFrom?.address ?? null,
  testMail,
  secret: config.secret,
  publicUrl: config.publicUrl,
  version,
});
shutdown.onClose("http server", () => app.close());

const start = await requireSoundStart({
  database,
  databaseUrl: config.databaseUrl,
  queue,
  // Enrolling works without it. One that turns out to lose jobs when it comes back shows at /health/ready and in `doctor`.
  isQueueAwaited: false,
  now,
  log,
  onWait: readiness.waitFor,
  signal: shutdown.signal,
});
if (start.kind === "sound") await listen();
else if (start.kind === "refused") refuseStart(shutdown, log, "API", start.problems);

async function listen(): Promise<void> {
  try {
    await app.listen({ host: config.host, port: config.port });
    readiness.ready();
    log.info({ url: config.publicUrl, backend: queue.backend }, "ready");
    process.send?.({ type: "ready" });
    // The first template that is saved must not wait, in its transaction, until the compiler is loaded.
    void compileTemplate({ subject: "-", mjml: "<mjml><mj-body></mj-body></mjml>" });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === "EADDRINUSE" ? "another program listens there; stop it or set API_PORT" : message;
    process.stderr.write(`The API cannot listen on ${config.host}:${config.port}: ${reason}.\n`);
    shutdown.stop("cannot listen", 1);
  }
}
