import { plainMailbox } from "@dripline/mail/mail-address";
import { isLoopbackHost, parseSmtpUrl } from "@dripline/mail/smtp-url";
import { z } from "zod";
import { dayLengthForm, parseDayLength } from "./day-length.ts";

/** `process.env`, or what a test puts in its place. A variable that is set but empty counts as not set. */
export type Environment = Readonly<Record<string, string | undefined>>;

export const logLevels = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

/** A mailbox as it stands in From: name and address apart, so that nothing in the name can become an address. */
export interface Mailbox {
  readonly name: string;
  readonly address: string;
}

function url(schemes: readonly string[]) {
  return z.string().check((context) => {
    const parsed = URL.canParse(context.value) ? new URL(context.value) : undefined;
    const problem =
      parsed === undefined
        ? "is not a URL (a password with special characters must be percent-encoded)"
        : !schemes.includes(parsed.protocol)
          ? `does not start with ${schemes.map((scheme) => `${scheme}//`).join(" or ")}`
          : parsed.hostname === "" && !parsed.searchParams.has("host")
            ? "names no host"
            : undefined;
    if (problem !== undefined) context.issues.push({ code: "custom", message: problem, input: "" });
  });
}

function wholeNumber(min: number, max: number) {
  return z
    .string()
    .regex(/^\d{1,9}$/, "is not a whole number")
    .transform(Number)
    .refine((value) => value >= min && value <= max, `is not between ${min} and ${max}`);
}

const positiveNumber = z
  .string()
  .regex(/^\d{1,6}(\.\d{1,6})?$/, "is not a number")
  .transform(Number)
  .refine((value) => value > 0, "is not more than 0");

const mailbox = z.string().transform((text, context): Mailbox => {
  const match = /^(?:"?([^"<>]*?)"?\s*<([^<>]+)>|([^<>]+))$/.exec(text.trim());
  try {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not get into a header
    if (/[\u0000-\u001f\u007f]/.test(text)) throw new Error("control characters");
    // The same judgement as when a message is composed: a sender that is refused there would hold every email.
    return plainMailbox({ name: match?.[1]?.trim() ?? "", address: (match?.[2] ?? match?.[3] ?? "").trim() });
  } catch {
    context.issues.push({ code: "custom", message: "is not a mailbox with a full domain", input: text });
    return z.NEVER;
  }
});

const smtpUrl = z.string().check((context) => {
  const parsed = parseSmtpUrl(context.value);
  if (!parsed.ok) context.issues.push({ code: "custom", message: parsed.problem, input: "" });
});

const publicUrl = url(["http:", "https:"])
  .refine((value) => !URL.canParse(value) || !/[?#@]/.test(value), "has a query, a fragment or a user name")
  .refine(isHttpsOrLocal, "is not https://, and one-click unsubscribe (RFC 8058) needs that outside this machine")
  .transform((value) => value.replace(/\/+$/, ""));

function isHttpsOrLocal(value: string): boolean {
  if (!URL.canParse(value)) return true; // said by url() already
  const { protocol, hostname } = new URL(value);
  return protocol !== "http:" || isLoopbackHost(hostname);
}

const dayLength = z.string().transform((text, context) => {
  const milliseconds = parseDayLength(text);
  if (milliseconds !== undefined) return milliseconds;
  context.issues.push({ code: "custom", message: "is not a length of time", input: text });
  return z.NEVER;
});

/** Every variable: how it is read, and what to write when it is missing or wrong. */
export const configVariables = {
  DATABASE_URL: { schema: url(["postgres:", "postgresql:"]), write: "postgres://user:password@host:5432/dripline" },
  REDIS_URL: {
    schema: url(["redis:", "rediss:"]),
    write: "redis://host:6379, or leave it out to keep the queue in PostgreSQL",
  },
  SMTP_URL: { schema: smtpUrl, write: "smtp://user:password@host:587, or smtps://…:465" },
  MAIL_FROM: { schema: mailbox, write: "Name <address>, e.g. Dripline <hello@example.com>" },
  DRIPLINE_SECRET: {
    schema: z.string().min(32, "is shorter than 32 characters"),
    write: "32 or more random characters, e.g. from: openssl rand -hex 32",
  },
  PUBLIC_URL: { schema: publicUrl, write: "the address under which the API is reached, e.g. https://mail.example.com" },
  API_HOST: {
    schema: z.string().regex(/^[^\s/]+$/, "is not a host name or address"),
    write: "the address to listen on: 127.0.0.1, or 0.0.0.0 for all",
  },
  API_PORT: { schema: wholeNumber(1, 65_535), write: "a port from 1 to 65535, e.g. 4600" },
  API_REQUESTS_PER_MINUTE: {
    schema: wholeNumber(0, 999_999_999),
    write: "requests of one API key in a minute, e.g. 30000, or 0 for no limit; a key can have a limit of its own",
  },
  WORKER_CONCURRENCY: {
    schema: wholeNumber(1, 1_000),
    write:
      "how many SMTP connections one worker sends on at once, e.g. 10; three times as many emails are in its hands",
  },
  CLAIM_LEASE_SECONDS: {
    schema: wholeNumber(1, 3_600),
    write: "seconds until another worker takes an email over, e.g. 180",
  },
  SMTP_CONNECT_SECONDS: {
    schema: wholeNumber(1, 3_600),
    write: "seconds until a connection to the mail server must be usable, e.g. 30",
  },
  SMTP_ENVELOPE_SECONDS: {
    schema: wholeNumber(1, 3_600),
    write: "seconds the mail server may take from MAIL FROM to its answer to DATA, e.g. 60",
  },
  SMTP_FINAL_REPLY_SECONDS: {
    schema: wholeNumber(1, 3_600),
    write: "seconds the mail server may take for its final reply, e.g. 600",
  },
  SENDS_PER_SECOND_MAX: {
    schema: positiveNumber,
    write:
      "emails a second, of all workers together, e.g. 10, or 0.5 for one every two seconds; leave it out for no limit",
  },
  SENDER_SENDS_PER_DAY_MAX: {
    schema: wholeNumber(1, 999_999_999),
    write: "emails of one sender on one day, e.g. 2000; leave it out for no limit",
  },
  CONTACT_GAP_MINUTES: {
    schema: wholeNumber(0, 525_600),
    write: "minutes between any two emails to one contact, e.g. 240, or 0 for none",
  },
  OVERDUE_GAP_MINUTES: {
    schema: wholeNumber(0, 525_600),
    write: "minutes between two overdue emails to one contact, e.g. 60, or 0 for none",
  },
  DRIPLINE_DAY_LENGTH: { schema: dayLength, write: `${dayLengthForm}; leave it out for days of 24 hours` },
  LOG_LEVEL: { schema: z.enum(logLevels, "is not a log level"), write: `one of ${logLevels.join(", ")}` },
  SHUTDOWN_GRACE_SECONDS: {
    schema: wholeNumber(1, 3_600),
    write: "how long a process may take to finish its work when told to stop, in seconds, e.g. 25",
  },
} as const;

export type ConfigVariable = keyof typeof configVariables;
