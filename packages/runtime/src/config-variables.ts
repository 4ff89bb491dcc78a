import type { z } from "zod";
import {
  dayLength,
  host,
  logLevel,
  logLevels,
  mailbox,
  positiveNumber,
  publicUrl,
  redisUrl,
  secret,
  serviceName,
  smtpUrl,
  tracesExporter,
  tracesProtocol,
  url,
  wholeNumber,
} from "./config-forms.ts";
import { dayLengthForm } from "./day-length.ts";

/** `process.env`, or what a test puts in its place. A variable that is set but empty counts as not set. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Who reads a variable: the two processes, and the commands of `dripline`. */
export type ConfigRole = "api" | "worker" | "command";

export interface VariableEntry {
  readonly schema: z.ZodType;
  readonly what: string;
  /** A value or its form; what a refusal tells people to write. */
  readonly write: string;
  /** As it would be written. */
  readonly default?: string;
  /** What holds without it, where that is not a value that could be written. */
  readonly without?: string;
  readonly readBy: readonly ConfigRole[];
  /** Who does not start without it. */
  readonly neededBy?: readonly ConfigRole[];
  /** Its value may be in a file that `<NAME>_FILE` names, as Docker and Kubernetes hand out secrets. */
  readonly isSecret?: true;
}

const everybody = ["api", "worker", "command"] as const;
const processes = ["api", "worker"] as const;

/**
 * Every variable, once: how it is read, and what docs/configuration.md says of it. Another one is an entry here, and its
 * reading in config.ts; tests hold the two together, and `npm test -- packages/runtime --update` writes the table.
 */
export const configVariables = {
  DATABASE_URL: {
    schema: url(["postgres:", "postgresql:"]),
    what: "PostgreSQL 15 or later, where everything is",
    write: "postgres://user:password@host:5432/dripline",
    readBy: everybody,
    neededBy: everybody,
    isSecret: true,
  },
  REDIS_URL: {
    schema: redisUrl,
    what: "Redis 7 or Valkey 8, or later, for the queue: [its forms](#redis-and-valkey)",
    write: "redis://host:6379, or leave it out to keep the queue in PostgreSQL",
    without: "the queue is in PostgreSQL",
    readBy: everybody,
    isSecret: true,
  },
  SMTP_URL: {
    schema: smtpUrl,
    what: "the mail server; the API needs it for test sends only",
    write: "smtp://user:password@host:587, or smtps://…:465",
    without: "no test sends",
    readBy: everybody,
    neededBy: ["worker"],
    isSecret: true,
  },
  MAIL_FROM: {
    schema: mailbox,
    what: "the sender",
    write: "Name <address>, e.g. Dripline <hello@example.com>",
    without: "no test sends",
    readBy: everybody,
    neededBy: ["worker"],
  },
  DRIPLINE_SECRET: {
    schema: secret,
    what: "signs unsubscribe links and links to Bull Board; another one makes those that were sent invalid",
    write: "32 or more random characters, e.g. from: openssl rand -hex 32",
    readBy: everybody,
    neededBy: processes,
    isSecret: true,
  },
  PUBLIC_URL: {
    schema: publicUrl,
    what: "where people reach the API: it stands in every email, so outside this machine it begins with https://",
    write: "the address under which the API is reached, e.g. https://mail.example.com",
    without: "http://127.0.0.1 with API_PORT; with NODE_ENV=production (as in the image) it must be set",
    readBy: everybody,
  },
  API_HOST: {
    schema: host,
    what: "the address the API listens on",
    write: "the address to listen on: 127.0.0.1, or 0.0.0.0 for all",
    default: "127.0.0.1",
    readBy: ["api", "command"],
  },
  API_PORT: {
    schema: wholeNumber(1, 65_535),
    what: "the port the API listens on",
    write: "a port from 1 to 65535, e.g. 4600",
    default: "4600",
    readBy: everybody,
  },
  API_REQUESTS_PER_MINUTE: {
    schema: wholeNumber(0, 999_999_999),
    // 500 a second. A script that enrolls one by one would have to get each answer within 2 ms to reach it, and an answer
    // waits for a commit and a round trip; a loop that has gone wild over many connections does.
    default: "30000",
    what: "requests of one API key in a minute ([api.md](api.md#rate-limits)); a key can have a limit of its own",
    write: "requests of one API key in a minute, e.g. 30000, or 0 for no limit",
    readBy: ["api"],
  },
  WORKER_CONCURRENCY: {
    schema: wholeNumber(1, 1_000),
    what: "SMTP connections that one worker sends on at once; it has three times as many emails in its hands",
    write: "how many SMTP connections one worker sends on at once, e.g. 10",
    default: "10",
    readBy: ["worker"],
  },
  // RFC 5321 section 4.5.3.2 gives a server 5 minutes each for its greeting, MAIL, RCPT and 2 for DATA. Before the body
  // giving up early costs a retry and no doubt, so these are shorter: a server that hangs holds an email up for two
  // minutes and not for seventeen. For the final reply it is the RFC's ten minutes: giving up on that makes doubt.
  SMTP_CONNECT_SECONDS: {
    schema: wholeNumber(1, 3_600),
    what: "until a connection to the mail server must be usable, greeting and log-in included; giving up costs a retry",
    write: "seconds until a connection to the mail server must be usable, e.g. 30",
    default: "30",
    readBy: ["worker"],
  },
  SMTP_ENVELOPE_SECONDS: {
    schema: wholeNumber(1, 3_600),
    what: "from MAIL FROM to the answer to DATA; giving up costs a retry",
    write: "seconds the mail server may take from MAIL FROM to its answer to DATA, e.g. 60",
    default: "60",
    readBy: ["worker"],
  },
  SMTP_FINAL_REPLY_SECONDS: {
    schema: wholeNumber(1, 3_600),
    what: "from the body to its answer; giving up leaves the email in doubt (RFC 5321: ten minutes)",
    write: "seconds the mail server may take for its final reply, e.g. 600",
    default: "600",
    readBy: ["worker"],
  },
  CLAIM_LEASE_SECONDS: {
    schema: wholeNumber(1, 3_600),
    what: "until another worker takes an email over from one that died; longer than SMTP_CONNECT_SECONDS and SMTP_ENVELOPE_SECONDS together",
    write: "seconds until another worker takes an email over, e.g. 180",
    without: "twice those two together: 180",
    readBy: ["worker"],
  },
  SENDS_PER_SECOND_MAX: {
    schema: positiveNumber,
    what: "emails a second, of all workers together; 0.5 is one every two seconds",
    write: "emails a second, e.g. 10, or 0.5 for one every two seconds; leave it out for no limit",
    without: "no limit",
    readBy: everybody,
  },
  SENDER_SENDS_PER_DAY_MAX: {
    schema: wholeNumber(1, 999_999_999),
    what: "emails from one sender on one date of the schedule's zone",
    write: "emails of one sender on one day, e.g. 2000; leave it out for no limit",
    without: "no limit",
    readBy: everybody,
  },
  CONTACT_GAP_MINUTES: {
    schema: wholeNumber(0, 525_600),
    what: "between any two emails to one contact, across sequences",
    write: "minutes between any two emails to one contact, e.g. 240, or 0 for none",
    default: "0",
    readBy: everybody,
  },
  OVERDUE_GAP_MINUTES: {
    schema: wholeNumber(0, 525_600),
    what: "between two emails to one contact that are late, after an outage say",
    write: "minutes between two overdue emails to one contact, e.g. 60, or 0 for none",
    default: "60",
    readBy: everybody,
  },
  RETENTION_DAYS: {
    schema: wholeNumber(1, 36_500),
    what: "days after which the [history](operations.md#keeping-history-for-so-long-and-no-longer) of what has ended is deleted",
    write: "days after which the history of what has ended is deleted, e.g. 365; leave it out to keep it for ever",
    without: "kept for ever",
    readBy: ["worker"],
  },
  SHUTDOWN_GRACE_SECONDS: {
    schema: wholeNumber(1, 3_600),
    what: "how long stopping may take; whatever stops the process must wait longer",
    write: "how long a process may take to finish its work when told to stop, in seconds, e.g. 25",
    default: "25",
    readBy: processes,
  },
  LOG_LEVEL: {
    schema: logLevel,
    what: "how much is logged",
    write: `one of ${logLevels.join(", ")}`,
    default: "info",
    readBy: everybody,
  },
  METRICS_PORT: {
    schema: wholeNumber(1, 65_535),
    what: "where whoever watches the process reads [`/metrics` and `/health`](metrics.md); with `npm start` and `all` the worker has the port after it",
    write: "the port of /metrics and /health for whoever watches this process, e.g. 9464; leave it out for none",
    without: "nowhere",
    readBy: processes,
  },
  METRICS_HOST: {
    schema: host,
    what: "the address they are on; they ask nobody for a key",
    write: "127.0.0.1, or 0.0.0.0 inside a container",
    default: "127.0.0.1",
    readBy: processes,
  },
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    schema: url(["http:", "https:"]),
    what: "an OpenTelemetry collector that takes [traces](traces.md); the SDK's other standard variables count as well",
    write: "where an OpenTelemetry collector listens, e.g. http://collector:4318; leave it out for no traces",
    without: "no traces",
    readBy: processes,
  },
  OTEL_TRACES_EXPORTER: {
    schema: tracesExporter,
    what: "`none` turns traces off whatever else is set, `otlp` on",
    write: "otlp, or none",
    without: "`OTEL_EXPORTER_OTLP_ENDPOINT` decides",
    readBy: processes,
  },
  OTEL_EXPORTER_OTLP_PROTOCOL: {
    schema: tracesProtocol,
    what: "how they are handed over",
    write: "http/protobuf, or http/json",
    default: "http/protobuf",
    readBy: processes,
  },
  OTEL_SERVICE_NAME: {
    schema: serviceName,
    what: "the name that they are shown under",
    write: "a name of at most 255 characters",
    without: "`dripline-api` and `dripline-worker`",
    readBy: processes,
  },
  DRIPLINE_DAY_LENGTH: {
    schema: dayLength,
    what: "how long a day of delay lasts, to look at a sequence in minutes; refused unless the mail server is on this machine",
    write: `${dayLengthForm}; leave it out for days of 24 hours`,
    without: "24 hours",
    readBy: everybody,
  },
} as const satisfies Record<string, VariableEntry>;

export type ConfigVariable = keyof typeof configVariables;

/** All of them in their order, without what only the types of single ones are good for. */
export const configEntries = Object.entries(configVariables) as [ConfigVariable, VariableEntry][];

/** Read as well, but not judged: they are not ours, or not for those who run it. */
export const otherVariables = {
  NODE_ENV: "`production`, as the image sets it: API and workers do not start without `PUBLIC_URL`",
  NODE_EXTRA_CA_CERTS:
    "Node.js' own: a file with certificates to trust besides the usual ones, for PostgreSQL, Redis and SMTP",
  DRIPLINE_IMAGE: "the compose files' own: which image they run; `dripline`, built here, if it is not set",
  DRIPLINE_DEBUG: "anything: commands that fail show the stack trace as well",
} as const;
