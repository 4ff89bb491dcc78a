import type { Wake } from "./wake.ts";

/** A handler threw. The wake comes again; this is for the log, which names the execution in fields of its own. */
export class WakeHandlingError extends Error {
  override readonly name = "WakeHandlingError";
  readonly wake: Wake;

  constructor(wake: Wake, secondsUntilAgain: number, cause: unknown) {
    const { executionId, generation } = wake;
    super(`Handling execution ${executionId} (generation ${generation}) threw; again in ${secondsUntilAgain} s`, {
      cause,
    });
    this.wake = wake;
  }
}
