import { createRequire } from "node:module";
import { type DestinationStream, type Logger, pino } from "pino";
import type { LogLevel } from "./config-forms.ts";
import { redactLine } from "./redact.ts";

export type { Logger } from "pino";

export interface LoggerOptions {
  /** Which process speaks: "api", "worker", … */
  readonly role: string;
  readonly level: LogLevel;
  /** Whether a person watches: lines for reading instead of JSON. `process.stdout.isTTY === true` */
  readonly isTerminal: boolean;
  /** Where lines go; standard output if left out. */
  readonly destination?: DestinationStream;
}

/**
 * A logger that writes one line of JSON per entry, times in UTC, with addresses, keys and passwords taken out of the
 * whole line, error texts included. Errors belong in `err`: `log.error({ err }, "what was being done")`.
 */
export function createLogger({ role, level, isTerminal, destination }: LoggerOptions): Logger {
  return pino(
    {
      level,
      base: { role, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: withoutClient },
      hooks: { streamWrite: redactLine },
    },
    destination ?? (isTerminal ? prettyDestination() : pino.destination({ dest: 1, sync: true })),
  );
}

/**
 * node-postgres hangs the whole connection on the error of one that died while idle: ten kilobytes a line, with every
 * statement it had prepared, times as many connections as there were.
 */
function withoutClient(err: unknown): unknown {
  if (!(err instanceof Error)) return err;
  const told = pino.stdSerializers.err(err);
  delete told.client;
  return told;
}

/** Loaded only when a person watches: production needs neither its time nor its memory. */
function prettyDestination(): DestinationStream {
  const pretty = createRequire(import.meta.url)("pino-pretty") as typeof import("pino-pretty");
  return pretty({ colorize: true, ignore: "pid", translateTime: "SYS:HH:MM:ss", sync: true });
}
