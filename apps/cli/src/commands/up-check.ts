import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Inbox } from "@dripline/embedded/inbox";
import { handleShutdown } from "@dripline/runtime/shutdown";
import { explainFailure } from "../explain-failure.ts";
import { installationAt, makeInstallation } from "../installation.ts";
import { type LocalStack, startLocalStack } from "../local-stack.ts";
import { mailLine } from "../mail-line.ts";
import { freePorts } from "../ports.ts";
import { readStackSettings } from "../stack-settings.ts";
import { terminalSignals } from "../terminal-signals.ts";
import { UserError } from "../user-error.ts";

export interface UpCheckOptions {
  readonly day: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly now: () => Date;
}

const secondsMax = 60;

/**
 * Proves that Dripline works on this machine, without touching an installation: starts everything on free ports in a
 * temporary directory, waits for the sample's first email, enrolls one more contact through HTTP and waits for theirs.
 * Ends the process: with code 0, or 1 and the reason when it did not work within a minute.
 */
export async function upCheck({ day, env, now }: UpCheckOptions): Promise<void> {
  const say = (line: string) => void process.stdout.write(`${line}\n`);
  const complain = (fields: object, message: string) => say(`${message} ${JSON.stringify(fields)}`);
  const shutdown = handleShutdown({
    log: { info: () => {}, error: complain, fatal: complain },
    graceSeconds: 30,
    signals: terminalSignals(),
    exitCodeOnSignal: 130,
  });
  const deadline = AbortSignal.timeout(secondsMax * 1_000);
  try {
    const directory = await mkdtemp(join(tmpdir(), "dripline-check-"));
    shutdown.onClose("temporary directory", () => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
    await chmod(directory, 0o711); // the account that PostgreSQL runs as must be able to enter
    const installation = installationAt(directory);
    makeInstallation(installation);
    const ports = await freePorts();
    const settings = readStackSettings({ env: ownEnvironment(env), installation, ports, dayLength: day });
    say("Checking: everything starts on free ports in a temporary directory…");
    const starting = startLocalStack({ installation, ports, settings, shutdown, now, onTrouble: say });
    const stack = await within(deadline, starting, "it did not start");
    say(`API at ${stack.apiUrl}, queue in ${settings.redisUrl === undefined ? "PostgreSQL" : "Redis"}`);

    await expectMail(stack, "demo@example.com", deadline, say);
    const email = `check-${now().getTime()}@example.com`;
    await enroll(stack, email, deadline);
    await expectMail(stack, email, deadline, say);
    say("Both emails arrived: enrolled over HTTP, woken by the queue, sent by the worker.");
    shutdown.stop("checked");
  } catch (error) {
    if (shutdown.signal.aborted) return;
    process.stderr.write(`The check failed: ${explainFailure(error)}\n`);
    if (env.DRIPLINE_DEBUG !== undefined) console.error(error);
    shutdown.stop("failed", 1);
  }
}

/**
 * Nothing of an installation that the environment may name is used: in its database the check would send real people's
 * email into an inbox that is thrown away. A Redis is: its wake-ups without a row are dropped by whoever finds them.
 */
function ownEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const own = { ...env };
  const settings = ["DATABASE_URL", "SMTP_URL", "DRIPLINE_SECRET"].flatMap((name) => [name, `${name}_FILE`]);
  for (const name of [...settings, "API_HOST", "API_PORT", "PUBLIC_URL", "MAIL_FROM"]) delete own[name];
  return own;
}

async function enroll({ apiUrl, sample }: LocalStack, email: string, signal: AbortSignal): Promise<void> {
  const answer = await fetch(`${apiUrl}/api/v1/sequence-enrollments/enroll/`, {
    method: "POST",
    headers: { authorization: `Bearer ${sample.apiKey}`, "content-type": "application/json" },
    body: JSON.stringify({ sequence_id: sample.sequenceId, contact: { email, first_name: "Ada" } }),
    signal,
  });
  if (answer.status !== 201) throw new UserError(`enrolling was answered ${answer.status}: ${await answer.text()}`);
}

async function expectMail(
  stack: LocalStack,
  to: string,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<void> {
  const inbox = stack.inbox as Inbox;
  const arriving = inbox.waitForMessage(({ envelopeTo }) => envelopeTo.includes(to), { signal });
  const { receivedAt, envelopeTo, subject } = await within(signal, arriving, `no email to ${to} arrived`);
  say(mailLine({ receivedAt, to: envelopeTo, subject }));
}

/** @throws UserError naming what did not happen when `signal` ends the wait */
async function within<T>(signal: AbortSignal, work: Promise<T>, what: string): Promise<T> {
  const late = new UserError(`${what} within ${secondsMax} s.`);
  return new Promise<T>((resolve, reject) => {
    const giveUp = () => reject(late);
    if (signal.aborted) giveUp();
    signal.addEventListener("abort", giveUp, { once: true });
    work
      .then(resolve, (error) => reject(signal.aborted ? late : error))
      .finally(() => signal.removeEventListener("abort", giveUp));
  });
}
