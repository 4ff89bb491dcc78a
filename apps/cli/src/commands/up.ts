import { dayLengthForm, parseDayLength } from "@dripline/runtime/day-length";
import { opsLink } from "@dripline/runtime/ops-link";
import { handleShutdown, type Shutdown } from "@dripline/runtime/shutdown";
import { findUnknownVariables } from "@dripline/runtime/unknown-variables";
import { explainFailure } from "../explain-failure.ts";
import { type Installation, installationAt, makeInstallation } from "../installation.ts";
import { takeLock } from "../installation-lock.ts";
import { awaitLeftBehind } from "../left-behind.ts";
import { type LocalStack, startLocalStack } from "../local-stack.ts";
import { defaultPort, type Ports, parsePort, portsFrom, requireFree } from "../ports.ts";
import { printMail } from "../print-mail.ts";
import { readyBlock } from "../ready-block.ts";
import { readRunFile, removeRunFile, writeRunFile } from "../run-file.ts";
import { readStackSettings, type StackSettings } from "../stack-settings.ts";
import { terminalSignals } from "../terminal-signals.ts";
import { UserError } from "../user-error.ts";

export interface UpOptions {
  readonly directory: string;
  /** As typed. */
  readonly day: string | undefined;
  readonly port: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly now: () => Date;
}

/** The worker may need its grace period, the API its own, and PostgreSQL writes a last checkpoint. */
const graceSecondsMax = 120;
const queuesLinkSeconds = 7 * 24 * 3_600;

/**
 * Runs everything on this machine until it is told to stop: PostgreSQL and an inbox unless addresses are set, the API and
 * a worker as processes of their own. Errors are printed; the process ends with code 1 after what was started has stopped.
 */
export async function up(options: UpOptions): Promise<void> {
  const startedAt = performance.now();
  const say = (line: string) => void process.stdout.write(`${line}\n`);
  process.stdout.on("error", () => {}); // the terminal was closed: there is nobody to tell, and still things to stop
  const shutdown = handleShutdown({ log: stopLog(say), graceSeconds: graceSecondsMax, signals: terminalSignals() });
  try {
    const installation = installationAt(options.directory);
    const ports = portsFrom(choosePort(options));
    const dayLength = requireDayLength(options.day);
    makeInstallation(installation);
    await lockInstallation(installation, shutdown);
    const settings = readStackSettings({ env: options.env, installation, ports, dayLength });
    for (const { sentence } of findUnknownVariables(options.env)) say(`! ${sentence}`);
    await awaitLeftBehind(installation, {
      graceSeconds: settings.graceSeconds + 5,
      onWait: () => say("Waiting for the processes of an earlier run to finish…"),
    });
    await requireFree(wantedPorts(ports, settings));
    say("Starting Dripline…");
    const stack = await startLocalStack({ ...options, installation, ports, settings, shutdown, onTrouble: say });
    if (shutdown.signal.aborted) return;

    writeRunFile(installation, stack.apiUrl, stack.environment);
    shutdown.onClose("run file", () => removeRunFile(installation));
    const seconds = (performance.now() - startedAt) / 1_000;
    say(describeReady({ installation, settings, stack, seconds, now: options.now() }));
    if (settings.smtpUrl !== undefined) await warnAboutSmtp(settings.smtpUrl, say);
    if (stack.inbox !== undefined) await printMail(stack.inbox, shutdown.signal, say);
  } catch (error) {
    if (shutdown.signal.aborted) return; // parts that were interrupted while they started
    process.stderr.write(`${explainFailure(error)}\n`);
    if (options.env.DRIPLINE_DEBUG !== undefined) console.error(error);
    shutdown.stop("could not start", 1);
  }
}

function choosePort({ port, env }: UpOptions): number {
  if (port !== undefined) return parsePort(port, "--port");
  return env.API_PORT ? parsePort(env.API_PORT, "API_PORT") : defaultPort;
}

function requireDayLength(day: string | undefined): string | undefined {
  if (day === undefined || parseDayLength(day) !== undefined) return day;
  throw new UserError(`--day ${day} is not a length of time. Write ${dayLengthForm}.`);
}

async function lockInstallation(installation: Installation, shutdown: Shutdown): Promise<void> {
  const lock = await takeLock(installation.lockFile);
  if (lock.kind === "taken") {
    shutdown.onClose("lock", () => lock.release());
    return;
  }
  const running = readRunFile(installation);
  const who = lock.pid === undefined ? "" : ` (process ${lock.pid})`;
  throw new UserError(
    running === undefined
      ? `Dripline is being started in ${installation.directory} by another process${who}. Wait for it, or stop it first.`
      : `Dripline is already running at ${running.url}${who}. Use that one, stop it with Ctrl-C where it runs, or start another with --dir and --port.`,
  );
}

function wantedPorts(ports: Ports, settings: StackSettings): [string, number][] {
  const wanted: [string, number][] = [["the API", ports.api]];
  if (settings.smtpUrl === undefined)
    wanted.push(["the inbox page", ports.inboxPage], ["the inbox's SMTP", ports.smtp]);
  return wanted;
}

function describeReady(found: {
  installation: Installation;
  settings: StackSettings;
  stack: LocalStack;
  seconds: number;
  now: Date;
}): string {
  const { installation, settings, stack, seconds, now } = found;
  return readyBlock({
    apiUrl: stack.apiUrl,
    inboxUrl: stack.inbox?.httpUrl,
    smtp: withoutPassword(stack.smtpUrl),
    queuesUrl: opsLink(settings.publicUrl, settings.secret, { now, validSeconds: queuesLinkSeconds }),
    queueBackend: settings.redisUrl === undefined ? "PostgreSQL" : "Redis",
    databaseUrl: settings.databaseUrl === undefined ? stack.databaseUrl : withoutPassword(stack.databaseUrl),
    dataDirectory: settings.databaseUrl === undefined ? installation.postgres : undefined,
    apiKey: stack.sample.apiKey,
    apiKeyFile: installation.apiKeyFile,
    sequenceId: stack.sample.sequenceId,
    dayLength: settings.dayLength,
    isFirstStart: stack.sample.isNew,
    seconds,
  });
}

/** The embedded database's password is for this machine alone; one from the environment is not ours to print. */
function withoutPassword(url: string): string {
  const parsed = new URL(url);
  if (parsed.password !== "") parsed.password = "***";
  return parsed.href;
}

/** Its being away is no reason not to start: emails are tried again. But whoever mistyped it should know. */
async function warnAboutSmtp(smtpUrl: string, say: (line: string) => void): Promise<void> {
  const { describeFinding } = await import("../doctor/finding.ts");
  const { lookAtSmtp } = await import("../doctor/look-at-smtp.ts");
  const finding = await lookAtSmtp(smtpUrl);
  if (finding.kind !== "good") say(describeFinding(finding));
}

function stopLog(say: (line: string) => void) {
  const trouble = (fields: object, message: string) => {
    const { part, err } = fields as { part?: string; err?: unknown };
    say(`${message}${part === undefined ? "" : ` (${part})`}${err === undefined ? "" : `: ${explainFailure(err)}`}`);
  };
  return {
    info: (fields: object, message: string) => {
      const { reason } = fields as { reason?: string };
      if (reason === "could not start") return;
      say(
        message === "stopping"
          ? "\nStopping in order; the worker finishes what it is sending…"
          : "Stopped. Everything is kept; starting again continues.",
      );
    },
    error: trouble,
    fatal: trouble,
  };
}
