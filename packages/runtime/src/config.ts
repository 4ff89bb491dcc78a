import type { z } from "zod";
import type { LogLevel, Mailbox } from "./config-forms.ts";
import type { ConfigProblem } from "./config-problem.ts";
import { type ConfigVariable, configVariables, type Environment, type VariableEntry } from "./config-variables.ts";
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
  /** Where whoever watches this process reads `/metrics` and `/health`. Undefined: nowhere. */
  readonly management: { readonly host: string; readonly port: number } | undefined;
  /** How traces are handed over. Undefined: none are recorded. */
  readonly tracing: { readonly protocol: "http/protobuf" | "http/json" } | undefined;
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
  /** The history of what ended longer ago than this is deleted; null: kept for ever. */
  readonly retentionDays: number | null;
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
export interface CliConfig extends Omit<SharedConfig, "secret" | "shutdownGraceSeconds" | "management" | "tracing"> {
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
    mailFrom: read.value("MAIL_FROM"),
    ...readAddress(read),
    requestsPerMinuteMax: read.value("API_REQUESTS_PER_MINUTE") || null,
    smtpUrl: read.value("SMTP_URL"),
  }));
}

/** What a worker process needs. */
export function readWorkerConfig(env: Environment): ConfigResult<WorkerConfig> {
  const read = new Reader(env);
  return read.result(() => ({
    ...readShared(read),
    smtpUrl: read.required("SMTP_URL"),
    mailFrom: read.required("MAIL_FROM"),
    concurrency: read.value("WORKER_CONCURRENCY"),
    retentionDays: read.value("RETENTION_DAYS") ?? null,
    ...readDeliveryTimes(read),
  }));
}

function readDeliveryTimes(read: Reader): Pick<WorkerConfig, "smtpTimeouts" | "claimLeaseSeconds"> {
  const smtpTimeouts = {
    connect: read.value("SMTP_CONNECT_SECONDS"),
    envelope: read.value("SMTP_ENVELOPE_SECONDS"),
    finalReply: read.value("SMTP_FINAL_REPLY_SECONDS"),
  };
  const beforeBody = smtpTimeouts.connect + smtpTimeouts.envelope;
  // Twice as long by default: the mark before the body and waiting for a connection take their time as well.
  const claimLeaseSeconds = read.value("CLAIM_LEASE_SECONDS") ?? 2 * beforeBody;
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
    redisUrl: read.value("REDIS_URL"),
    secret: read.value("DRIPLINE_SECRET"),
    smtpUrl: read.value("SMTP_URL"),
    mailFrom: read.value("MAIL_FROM"),
    publicUrl: readPublicUrl(read),
    dayLengthMilliseconds: readDayLength(read),
    limits: readLimits(read),
    logLevel: read.value("LOG_LEVEL"),
    ...readAddress(read),
  }));
}

function readShared(read: Reader): SharedConfig {
  return {
    databaseUrl: read.required("DATABASE_URL"),
    redisUrl: read.value("REDIS_URL"),
    secret: read.required("DRIPLINE_SECRET"),
    // The unsubscribe link of an email that has left cannot be put right any more.
    publicUrl: read.isProduction ? read.required("PUBLIC_URL") : readPublicUrl(read),
    dayLengthMilliseconds: readDayLength(read),
    limits: readLimits(read),
    logLevel: read.value("LOG_LEVEL"),
    shutdownGraceSeconds: read.value("SHUTDOWN_GRACE_SECONDS"),
    management: readManagement(read),
    tracing: readTracing(read),
  };
}

/** Where traces go and what else there is to say about them, the SDK reads from the standard variables itself. */
function readTracing(read: Reader): SharedConfig["tracing"] {
  const exporter = read.value("OTEL_TRACES_EXPORTER");
  const endpoint = read.value("OTEL_EXPORTER_OTLP_ENDPOINT");
  const protocol = read.value("OTEL_EXPORTER_OTLP_PROTOCOL");
  read.value("OTEL_SERVICE_NAME");
  const isOn = exporter === undefined ? endpoint !== undefined : exporter === "otlp";
  return isOn ? { protocol } : undefined;
}

function readManagement(read: Reader): SharedConfig["management"] {
  const host = read.value("METRICS_HOST");
  const port = read.value("METRICS_PORT");
  return port === undefined ? undefined : { host, port };
}

/** Without any setting: no limit, and an hour between two emails of a backlog to the same person. */
function readLimits(read: Reader) {
  return {
    perSecondMax: read.value("SENDS_PER_SECOND_MAX") ?? null,
    senderPerDayMax: read.value("SENDER_SENDS_PER_DAY_MAX") ?? null,
    contactGapMinutes: read.value("CONTACT_GAP_MINUTES"),
    overdueGapMinutes: read.value("OVERDUE_GAP_MINUTES"),
  };
}

function readAddress(read: Reader): { host: string; port: number } {
  return { host: read.value("API_HOST"), port: read.value("API_PORT") };
}

function readPublicUrl(read: Reader): string {
  return read.value("PUBLIC_URL") ?? `http://127.0.0.1:${read.value("API_PORT")}`;
}

/** Thirty days in two minutes are for looking at, never for people: only a mail server on this machine may see that. */
function readDayLength(read: Reader): number | undefined {
  const milliseconds = read.value("DRIPLINE_DAY_LENGTH");
  const smtpUrl = read.value("SMTP_URL");
  if (milliseconds !== undefined && !(smtpUrl !== undefined && isLocalSmtp(smtpUrl))) {
    read.report(
      "DRIPLINE_DAY_LENGTH",
      "compresses time, which is refused unless SMTP_URL is a mail server on this machine",
      "SMTP_URL=smtp://127.0.0.1:<port>, or leave DRIPLINE_DAY_LENGTH out",
    );
  }
  return milliseconds;
}

type Parsed<V extends ConfigVariable> = z.infer<(typeof configVariables)[V]["schema"]>;
type Value<V extends ConfigVariable> = (typeof configVariables)[V] extends { readonly default: string }
  ? Parsed<V>
  : Parsed<V> | undefined;

/** Reads variables one by one and remembers all that is wrong with them, so that people are told once. */
class Reader {
  readonly isProduction: boolean;
  readonly #env: Environment;
  readonly #problems = new Map<string, ConfigProblem>();

  constructor(env: Environment) {
    const expanded = readSecretFiles(env);
    this.#env = expanded.env;
    this.isProduction = env.NODE_ENV === "production";
    for (const problem of expanded.problems) this.#problems.set(problem.variable, problem);
  }

  /** What is set, or the default. After a report, a stand-in that never leaves {@link result}. */
  value<V extends ConfigVariable>(variable: V): Value<V> {
    const { schema, write, default: fallback }: VariableEntry = configVariables[variable];
    const text = this.#env[variable] || fallback;
    if (text === undefined) return undefined as Value<V>;
    const parsed = schema.safeParse(text);
    if (parsed.success) return parsed.data as Parsed<V>;
    this.report(variable, parsed.error.issues[0]?.message ?? "is not valid", write);
    return undefined as never;
  }

  /** The same; reported if it is not set. */
  required<V extends ConfigVariable>(variable: V): Parsed<V> {
    const value = this.value(variable);
    if (value !== undefined) return value as Parsed<V>;
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
