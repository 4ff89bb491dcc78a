import type { z } from "zod";
import type { ConfigProblem } from "./config-problem.ts";
import {
  type ConfigVariable,
  configVariables,
  type Environment,
  type LogLevel,
  type Mailbox,
} from "./config-variables.ts";
import { isLocalSmtp } from "./is-local-smtp.ts";
import { readSecretFiles } from "./secret-files.ts";

interface SharedConfig {
  readonly databaseUrl: string;
  /** Undefined: the queue lives in PostgreSQL. */
  readonly redisUrl: string | undefined;
  /** Signs unsubscribe links, message ids and links to the queue's page. */
  readonly secret: string;
  /** Where people reach the API, without a slash at the end. */
  readonly publicUrl: string;
  /** How long a day of delay lasts. Undefined: 24 hours, as in life. */
  readonly dayLengthMilliseconds: number | undefined;
  /** How many emails may go out, as the domain's `SendLimits`; a sequence's own limit stands with the sequence. */
  readonly limits: ReturnType<typeof readLimits>;
  readonly logLevel: LogLevel;
  readonly shutdownGraceSeconds: number;
}

export interface ApiConfig extends SharedConfig {
  /** The sender whose limits are explained; undefined if only the workers know it. */
  readonly mailFrom: Mailbox | undefined;
  /** For test sends alone: what people are enrolled for goes out through the workers. */
  readonly smtpUrl: string | undefined;
  readonly host: string;
  readonly port: number;
  /** Of one API key without a limit of its own; null: any number. */
  readonly requestsPerMinuteMax: number | null;
}

export interface WorkerConfig extends SharedConfig {
  readonly smtpUrl: string;
  readonly mailFrom: Mailbox;
  readonly concurrency: number;
  /** How long a worker may take from the claim to the first body byte before another takes the email over. */
  readonly claimLeaseSeconds: number;
  readonly smtpTimeouts: SmtpTimeoutSeconds;
}

/** How long the mail server may take, phase by phase; see `readSmtpTimeouts`. */
export interface SmtpTimeoutSeconds {
  /** From the DNS look-up to the end of the greeting, EHLO, STARTTLS and logging in. */
  readonly connect: number;
  /** From MAIL FROM to the answer to DATA. */
  readonly envelope: number;
  /** From the first byte of the body to the answer to its end; giving up earlier makes doubt. */
  readonly finalReply: number;
}

/** The commands look at a running installation; what one of them cannot do without, it asks for itself. */
export interface CliConfig extends Omit<SharedConfig, "secret" | "shutdownGraceSeconds"> {
  readonly secret: string | undefined;
  readonly smtpUrl: string | undefined;
  readonly mailFrom: Mailbox | undefined;
  readonly host: string;
  readonly port: number;
}

export type ConfigResult<Config> =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

/** What the API process needs. */
export function readApiConfig(env: Environment): ConfigResult<ApiConfig> {
  const read = new Reader(env);
  return read.result(() => ({
    ...readShared(read),
    mailFrom: read.optional("MAIL_FROM"),
    ...readAddress(read),
    requestsPerMinuteMax: (read.optional("API_REQUESTS_PER_MINUTE") ?? requestsPerMinuteDefault) || null,
    smtpUrl: read.optional("SMTP_URL"),
  }));
}

/**
 * 500 a second. A script that enrolls one by one would have to get each answer within 2 ms to reach it, and an answer waits
 * for a commit and a round trip; a loop that has gone wild over many connections does, and leaves the others their share.
 */
const requestsPerMinuteDefault = 30_000;

/** What a worker process needs. */
export function readWorkerConfig(env: Environment): ConfigResult<WorkerConfig> {
  const read = new Reader(env);
  return read.result(() => ({
    ...readShared(read),
    smtpUrl: read.required("SMTP_URL"),
    mailFrom: read.required("MAIL_FROM"),
    concurrency: read.optional("WORKER_CONCURRENCY") ?? 10,
    ...readDeliveryTimes(read),
  }));
}

/**
 * RFC 5321 section 4.5.3.2 gives a server 5 minutes each for its greeting, MAIL, RCPT and 2 for DATA. Before the body
 * giving up early costs a retry and no doubt, so the defaults are shorter: a server that hangs holds an email up for two
 * minutes and not for seventeen. For the final reply they are the RFC's ten minutes: giving up on that makes doubt.
 */
function readDeliveryTimes(read: Reader): Pick<WorkerConfig, "smtpTimeouts" | "claimLeaseSeconds"> {
  const smtpTimeouts = {
    connect: read.optional("SMTP_CONNECT_SECONDS") ?? 30,
    envelope: read.optional("SMTP_ENVELOPE_SECONDS") ?? 60,
    finalReply: read.optional("SMTP_FINAL_REPLY_SECONDS") ?? 600,
  };
  const beforeBody = smtpTimeouts.connect + smtpTimeouts.envelope;
  // Twice as long by default: the mark before the body and waiting for a connection take their time as well.
  const claimLeaseSeconds = read.optional("CLAIM_LEASE_SECONDS") ?? 2 * beforeBody;
  if (claimLeaseSeconds <= beforeBody) {
    read.report(
      "CLAIM_LEASE_SECONDS",
      `is not more than SMTP_CONNECT_SECONDS and SMTP_ENVELOPE_SECONDS together (${beforeBody}), so another worker would take over an email that a slow mail server still works on`,
      `more than ${beforeBody}, e.g. ${2 * beforeBody}, or shorten the other two`,
    );
  }
  return { smtpTimeouts, claimLeaseSeconds };
}

/** What a command needs to look at an installation: the database, and the rest if it is there. */
export function readCliConfig(env: Environment): ConfigResult<CliConfig> {
  const read = new Reader(env);
  return read.result(() => ({
    databaseUrl: read.required("DATABASE_URL"),
    redisUrl: read.optional("REDIS_URL"),
    secret: read.optional("DRIPLINE_SECRET"),
    smtpUrl: read.optional("SMTP_URL"),
    mailFrom: read.optional("MAIL_FROM"),
    publicUrl: readPublicUrl(read),
    dayLengthMilliseconds: readDayLength(read),
    limits: readLimits(read),
    logLevel: read.optional("LOG_LEVEL") ?? "info",
    ...readAddress(read),
  }));
}

function readShared(read: Reader): SharedConfig {
  return {
    databaseUrl: read.required("DATABASE_URL"),
    redisUrl: read.optional("REDIS_URL"),
    secret: read.required("DRIPLINE_SECRET"),
    publicUrl: readPublicUrl(read),
    dayLengthMilliseconds: readDayLength(read),
    limits: readLimits(read),
    logLevel: read.optional("LOG_LEVEL") ?? "info",
    shutdownGraceSeconds: read.optional("SHUTDOWN_GRACE_SECONDS") ?? 25,
  };
}

/** Without any setting: no limit, and an hour between two emails of a backlog to the same person. */
function readLimits(read: Reader) {
  return {
    perSecondMax: read.optional("SENDS_PER_SECOND_MAX") ?? null,
    senderPerDayMax: read.optional("SENDER_SENDS_PER_DAY_MAX") ?? null,
    contactGapMinutes: read.optional("CONTACT_GAP_MINUTES") ?? 0,
    overdueGapMinutes: read.optional("OVERDUE_GAP_MINUTES") ?? 60,
  };
}

function readAddress(read: Reader): { host: string; port: number } {
  return { host: read.optional("API_HOST") ?? "127.0.0.1", port: read.optional("API_PORT") ?? 4600 };
}

function readPublicUrl(read: Reader): string {
  return read.optional("PUBLIC_URL") ?? `http://127.0.0.1:${read.optional("API_PORT") ?? 4600}`;
}

/** Thirty days in two minutes are for looking at, never for people: only a mail server on this machine may see that. */
function readDayLength(read: Reader): number | undefined {
  const milliseconds = read.optional("DRIPLINE_DAY_LENGTH");
  const smtpUrl = read.optional("SMTP_URL");
  if (milliseconds !== undefined && !(smtpUrl !== undefined && isLocalSmtp(smtpUrl))) {
    read.report(
      "DRIPLINE_DAY_LENGTH",
      "compresses time, which is refused unless SMTP_URL is a mail server on this machine",
      "SMTP_URL=smtp://127.0.0.1:<port>, or leave DRIPLINE_DAY_LENGTH out",
    );
  }
  return milliseconds;
}

/** Reads variables one by one and remembers all that is wrong with them, so that people are told once. */
class Reader {
  readonly #env: Environment;
  readonly #problems = new Map<string, ConfigProblem>();

  constructor(env: Environment) {
    const expanded = readSecretFiles(env);
    this.#env = expanded.env;
    for (const problem of expanded.problems) this.#problems.set(problem.variable, problem);
  }

  optional<V extends ConfigVariable>(variable: V): z.infer<(typeof configVariables)[V]["schema"]> | undefined {
    const text = this.#env[variable];
    if (text === undefined || text === "") return undefined;
    const parsed = configVariables[variable].schema.safeParse(text);
    if (parsed.success) return parsed.data as z.infer<(typeof configVariables)[V]["schema"]>;
    const problem = parsed.error.issues[0]?.message ?? "is not valid";
    this.report(variable, problem, configVariables[variable].write);
    return undefined;
  }

  /** The value; after a report, a stand-in that never leaves {@link result}. */
  required<V extends ConfigVariable>(variable: V): z.infer<(typeof configVariables)[V]["schema"]> {
    const value = this.optional(variable);
    if (value !== undefined) return value;
    if (!this.#problems.has(variable) && !this.#problems.has(`${variable}_FILE`)) {
      this.report(variable, "is not set", configVariables[variable].write);
    }
    return undefined as never;
  }

  report(variable: string, problem: string, remedy: string): void {
    if (!this.#problems.has(variable)) this.#problems.set(variable, { variable, problem, remedy });
  }

  result<Config>(build: () => Config): ConfigResult<Config> {
    const config = build();
    return this.#problems.size === 0 ? { ok: true, config } : { ok: false, problems: [...this.#problems.values()] };
  }
}
