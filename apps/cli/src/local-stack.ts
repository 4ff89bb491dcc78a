import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Inbox } from "@dripline/embedded/inbox";
import type { Shutdown } from "@dripline/runtime/shutdown";
import { startEmbeddedDatabase } from "./embedded-database.ts";
import type { Installation } from "./installation.ts";
import { noteProcess } from "./left-behind.ts";
import { migrateAll, prepareMigrations } from "./migrate-all.ts";
import type { Ports } from "./ports.ts";
import { requireRedis } from "./require-redis.ts";
import { ensureSample, type Sample } from "./sample.ts";
import type { StackSettings } from "./stack-settings.ts";
import { superviseProcess } from "./supervised-process.ts";
import { workerEnvironment } from "./worker-environment.ts";

export interface LocalStack {
  readonly apiUrl: string;
  readonly databaseUrl: string;
  readonly smtpUrl: string;
  /** Undefined when mail goes to a server of one's own. */
  readonly inbox: Inbox | undefined;
  readonly sample: Sample;
  readonly environment: NodeJS.ProcessEnv;
}

export interface LocalStackOptions {
  readonly installation: Installation;
  readonly ports: Ports;
  readonly settings: StackSettings;
  readonly shutdown: Shutdown;
  readonly now: () => Date;
  readonly onTrouble: (message: string) => void;
}

/**
 * Starts everything that a Dripline on one machine consists of, each part as soon as what it stands on is there, and
 * returns when it can be used. `shutdown` stops the parts in the opposite order: worker, API, inbox, PostgreSQL.
 * @throws whatever kept a part from starting; those that did start are left to `shutdown`
 */
export async function startLocalStack(options: LocalStackOptions): Promise<LocalStack> {
  const { ports, settings } = options;
  if (settings.redisUrl !== undefined) await requireRedis(settings.redisUrl);
  prepareMigrations(settings.redisUrl);
  const databaseUrl = settings.databaseUrl ?? (await startEmbeddedDatabase({ ...options, port: ports.postgres }));
  options.shutdown.signal.throwIfAborted();
  const [inbox] = await Promise.all([
    settings.smtpUrl === undefined ? startInboxPart(options) : undefined,
    migrateAll(databaseUrl, settings.redisUrl),
  ]);
  const smtpUrl = settings.smtpUrl ?? inbox?.smtpUrl ?? "";
  const environment = settings.serviceEnvironment({ databaseUrl, smtpUrl });

  const apiUrl = `http://${settings.host === "0.0.0.0" ? "127.0.0.1" : settings.host}:${ports.api}`;
  const api = startService(options, "API", "api", environment);
  const worker = startService(options, "worker", "worker", workerEnvironment(environment));
  const { redisUrl, dayLengthMilliseconds } = settings;
  const [sample] = await Promise.all([
    ensureSample({ ...options, apiUrl, databaseUrl, redisUrl, dayLengthMilliseconds, apiReady: api.ready }),
    api.ready,
    worker.ready,
  ]);
  return { apiUrl, databaseUrl, smtpUrl, inbox, sample, environment };
}

async function startInboxPart({ installation, ports, shutdown, now }: LocalStackOptions): Promise<Inbox> {
  const { startInbox } = await import("@dripline/embedded/inbox");
  const starting = startInbox({
    directory: installation.inbox,
    host: "127.0.0.1",
    smtpPort: ports.smtp,
    httpPort: ports.inboxPage,
    now,
  });
  shutdown.onClose("inbox", async () => (await starting.catch(() => undefined))?.close());
  return starting;
}

function startService(options: LocalStackOptions, name: string, app: "api" | "worker", env: NodeJS.ProcessEnv) {
  const { installation, shutdown, settings, onTrouble } = options;
  const service = superviseProcess({
    name,
    script: fileURLToPath(new URL(`../../${app}/dist/main.js`, import.meta.url)),
    env,
    logFile: join(installation.logs, `${app}.log`),
    onTrouble,
    onSpawn: (pid) => void noteProcess(installation, pid),
  });
  // Its own grace period comes first; only a process that does not keep it is killed.
  shutdown.onClose(name, () => service.stop(settings.graceSeconds + 3));
  return service;
}
