import type { Shutdown, ShutdownLog } from "./shutdown.ts";

/**
 * Ends a process that found something that must be put right first: told on standard error, for whoever started it, and
 * in the log, for whoever looks later; with exit code 1, so that whatever watches over it knows.
 */
export function refuseStart(shutdown: Shutdown, log: ShutdownLog, role: string, problems: readonly string[]): void {
  for (const problem of problems) {
    const sentence = `The ${role} does not start. ${problem}`;
    process.stderr.write(`${sentence}\n`);
    log.fatal({}, sentence);
  }
  shutdown.stop("cannot start", 1);
}
