import { plainMailbox } from "@dripline/mail/mail-address";
import { isLoopbackHost, parseSmtpUrl } from "@dripline/mail/smtp-url";
import { readRedisUrl } from "@dripline/queue/redis-url";
import { z } from "zod";
import { parseDayLength } from "./day-length.ts";

export const logLevels = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

/** A mailbox as it stands in From: name and address apart, so that nothing in the name can become an address. */
export interface Mailbox {
  readonly name: string;
  readonly address: string;
}

/** A URL with one of these schemes. A problem never repeats the URL, which may hold a password. */
export function url(schemes: readonly string[]) {
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

export function wholeNumber(min: number, max: number) {
  return z
    .string()
    .regex(/^-?\d{1,30}$/, "is not a whole number")
    .transform(Number)
    .refine((value) => value >= min && value <= max, `is not between ${min} and ${max}`);
}

export const positiveNumber = z
  .string()
  .regex(/^-?\d{1,6}(\.\d{1,6})?$/, "is not a number with at most six digits before the point and six after it")
  .transform(Number)
  .refine((value) => value > 0, "is not more than 0");

export const mailbox = z.string().transform((text, context): Mailbox => {
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

export const smtpUrl = z.string().check((context) => {
  const parsed = parseSmtpUrl(context.value);
  if (!parsed.ok) context.issues.push({ code: "custom", message: parsed.problem, input: "" });
});

export const publicUrl = url(["http:", "https:"])
  .refine((value) => !URL.canParse(value) || !/[?#@]/.test(value), "has a query, a fragment or a user name")
  .refine(isHttpsOrLocal, "is not https://, and one-click unsubscribe (RFC 8058) needs that outside this machine")
  .transform((value) => value.replace(/\/+$/, ""));

function isHttpsOrLocal(value: string): boolean {
  if (!URL.canParse(value)) return true; // said by url() already
  const { protocol, hostname } = new URL(value);
  return protocol !== "http:" || isLoopbackHost(hostname);
}

export const dayLength = z.string().transform((text, context) => {
  const milliseconds = parseDayLength(text);
  if (milliseconds !== undefined) return milliseconds;
  context.issues.push({ code: "custom", message: "is not a length of time", input: text });
  return z.NEVER;
});

export const secret = z.string().min(32, "is shorter than 32 characters");

export const host = z.string().regex(/^[^\s/]+$/, "is not a host name or address");

export const tracesExporter = z.enum(["otlp", "none"], "is neither otlp nor none");

export const tracesProtocol = z.enum(["http/protobuf", "http/json"], "is neither http/protobuf nor http/json");

export const serviceName = z.string().regex(/^\S(.{0,253}\S)?$/, "is not a name of 1 to 255 characters");

export const logLevel = z.enum(logLevels, "is not a log level");

export const redisUrl = z.string().check((context) => {
  const read = readRedisUrl(context.value);
  if (!read.ok) context.issues.push({ code: "custom", message: read.problem, input: "" });
});
