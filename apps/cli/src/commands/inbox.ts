import { type Inbox, startInbox } from "@dripline/embedded/inbox";
import { handleShutdown } from "@dripline/runtime/shutdown";
import { explainFailure } from "../explain-failure.ts";
import { printMail } from "../print-mail.ts";
import { UserError } from "../user-error.ts";

export interface InboxCommandOptions {
  readonly host: string;
  readonly port: number;
  readonly smtpPort: number;
  readonly keepIn: string;
  readonly answerMilliseconds: number;
  readonly now: () => Date;
  readonly say: (line: string) => void;
}

const graceSeconds = 10;

/**
 * Runs the inbox alone until told to stop: a mail server that keeps everything and delivers nothing, and its page. If it
 * cannot start it says why, and the process ends with 1.
 */
export async function inbox(options: InboxCommandOptions): Promise<void> {
  const { say } = options;
  const trouble = (_: object, message: string) => say(message);
  const shutdown = handleShutdown({ log: { info: () => {}, error: trouble, fatal: trouble }, graceSeconds });
  const started = await start(options).catch((error: unknown) => {
    process.stderr.write(`${explainFailure(error)}\n`);
    shutdown.stop("cannot start", 1);
  });
  if (started === undefined) return;
  shutdown.onClose("inbox", () => started.close());
  say(`Every email to ${started.smtpUrl} is kept in ${options.keepIn} and shown at ${started.httpUrl}`);
  process.send?.({ type: "ready" });
  await printMail(started, shutdown.signal, say);
}

async function start(options: InboxCommandOptions): Promise<Inbox> {
  const { host, port: httpPort, smtpPort, keepIn: directory, answerMilliseconds, now } = options;
  try {
    return await startInbox({ directory, host, smtpPort, httpPort, answerMilliseconds, now });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const remedy =
      code === "EADDRINUSE" ? "choose others with --port and --smtp-port" : "choose another with --keep-in";
    throw new UserError(`The inbox cannot start: ${message}; ${remedy}.`, { cause });
  }
}
