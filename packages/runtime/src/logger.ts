import { createRequire } from "node:module";
import { type DestinationStream, type Logger, pino } from "pino";
import type { LogLevel } from "./config-forms.ts";
import { lastingOutput } from "./lasting-output.ts";
import { redactLine } from "./redact.ts";
import { writeByTurn } from "./write-by-turn.ts";

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
      serializers: { err: describeError },
      hooks: { streamWrite: redactLine },
    },
    destination ?? (isTerminal ? prettyDestination() : standardOutput()),
  );
}

/**
 * An error's words, its stack with those of its causes, and what stands beside them as plain values (`code`, `severity`). Not
 * the objects that libraries hang on it: node-postgres the whole connection with its keys, ioredis the command with its data.
 */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { aggregateErrors, ...described } = pino.stdSerializers.err(error);
  const plain = Object.entries(described).filter(([, value]) => value === null || typeof value !== "object");
  return {
    ...Object.fromEntries(plain),
    ...(aggregateErrors === undefined
      ? {}
      : { aggregateErrors: error instanceof AggregateError ? error.errors.map(describeError) : [] }),
  };
}

function standardOutput(): DestinationStream {
  return writeByTurn(lastingOutput(1), (flush) => process.once("exit", flush));
}

/** Loaded only when a person watches: production needs neither its time nor its memory. */
function prettyDestination(): DestinationStream {
  const pretty = createRequire(import.meta.url)("pino-pretty") as typeof import("pino-pretty");
  return pretty({ colorize: true, ignore: "pid", translateTime: "SYS:HH:MM:ss", sync: true });
}
