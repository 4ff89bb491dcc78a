import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { EmbeddedPostgres } from "@dripline/embedded/postgres";
import type { Shutdown } from "@dripline/runtime/shutdown";
import type { Installation } from "./installation.ts";
import { portTaken } from "./ports.ts";
import { restartDelayMilliseconds } from "./restart-delay.ts";

/** Several deaths in a row have a reason that starting once more does not cure. */
const restartsInARowMax = 3;

export interface EmbeddedDatabaseOptions {
  readonly installation: Installation;
  /** 0: any free one. */
  readonly port: number;
  readonly shutdown: Shutdown;
  readonly onTrouble: (message: string) => void;
}

/**
 * Starts the embedded PostgreSQL, registers its end with `shutdown`, and starts it again on the same port if it dies.
 * @returns its URL, with the password
 */
export async function startEmbeddedDatabase(options: EmbeddedDatabaseOptions): Promise<string> {
  const { installation, shutdown, onTrouble } = options;
  const logFile = join(installation.logs, "postgres.log");
  const { startPostgres } = await import("@dripline/embedded/postgres");
  const start = (port: number) =>
    startPostgres({ directory: installation.postgres, port, log: (line) => appendQuietly(logFile, line) });

  let starting: Promise<EmbeddedPostgres> = start(options.port);
  // Registered before it has started: a Ctrl-C meanwhile must not leave it behind.
  shutdown.onClose("PostgreSQL", async () => (await starting.catch(() => undefined))?.stop());
  const first = await starting.catch((error: { failure?: string }) => {
    throw error.failure === "port_taken" ? portTaken("PostgreSQL", options.port) : error;
  });

  void (async () => {
    for (let server = first, restarts = 1; ; restarts++) {
      await server.ended;
      if (shutdown.signal.aborted) return;
      if (restarts > restartsInARowMax) throw new Error("it ended again and again");
      onTrouble(`PostgreSQL ended unexpectedly; starting it again. Its log: ${logFile}`);
      await delay(restartDelayMilliseconds(restarts));
      if (shutdown.signal.aborted) return;
      starting = start(first.port);
      server = await starting;
      onTrouble("PostgreSQL is running again.");
    }
  })().catch((error: Error) => {
    onTrouble(`PostgreSQL cannot go on: ${error.message}. Its log: ${logFile}`);
    shutdown.stop("PostgreSQL ended", 1);
  });
  return first.url;
}

/** A log that cannot be written (disk full) must not stop what it tells of. */
function appendQuietly(file: string, line: string): void {
  try {
    appendFileSync(file, `${line}\n`);
  } catch {
    // nowhere to say it
  }
}
