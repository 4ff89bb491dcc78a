/** As much of a logger as this file needs; pino's fits. */
export interface ShutdownLog {
  info(fields: object, message: string): void;
  error(fields: object, message: string): void;
  fatal(fields: object, message: string): void;
}

export interface ShutdownOptions {
  readonly log: ShutdownLog;
  /** Everything must be closed by then; after that the process ends with code 1. */
  readonly graceSeconds: number;
  readonly signals?: readonly NodeJS.Signals[];
  /** 0, because a service that was told to stop and did is fine; a script that was interrupted is not. */
  readonly exitCodeOnSignal?: number;
}

export interface Shutdown {
  /**
   * Registers a part that was just opened. Parts close one after another in the reverse order of opening, so that
   * nothing loses what it stands on. A part that fails to close is logged and does not keep the others open.
   */
  onClose(part: string, close: () => unknown): void;
  /** Closes everything and ends the process. Does not return; a second call changes nothing. */
  stop(reason: string, exitCode?: number): void;
  /** Aborted as soon as stopping begins: for loops and waits. */
  readonly signal: AbortSignal;
}

/**
 * One Ctrl-C under npm arrives twice, from the terminal and from npm. A person who presses it again does so later.
 */
const samePressMilliseconds = 400;

/**
 * Makes this process stop in order: on SIGINT or SIGTERM, when the process that started it is gone (its IPC channel
 * closed; without this a killed supervisor would leave orphans), and after an error that nobody caught (logged, exit
 * code 1, because what such an error leaves behind cannot be trusted). A second signal ends the process at once.
 * Call it once, first thing in `main.ts`.
 */
export function handleShutdown(options: ShutdownOptions): Shutdown {
  const { log, graceSeconds, signals = ["SIGINT", "SIGTERM"], exitCodeOnSignal = 0 } = options;
  const parts: { part: string; close: () => unknown }[] = [];
  const aborter = new AbortController();
  let stoppingSince: number | undefined;
  let exitCode = 0;

  async function closeAll(): Promise<void> {
    for (let next = parts.pop(); next !== undefined; next = parts.pop()) {
      closing = next.part;
      try {
        await next.close();
      } catch (err) {
        log.error({ err, part: next.part }, "could not close in order");
        exitCode = 1;
      }
    }
  }
  let closing = "";

  function stop(reason: string, code = 0): void {
    exitCode = Math.max(exitCode, code);
    if (stoppingSince !== undefined) return;
    stoppingSince = performance.now();
    log.info({ reason }, "stopping");
    aborter.abort(new Error(`stopping: ${reason}`));
    setTimeout(() => {
      log.error({ part: closing, graceSeconds }, "gave up waiting for a part to close");
      process.exit(1);
    }, graceSeconds * 1_000);
    void closeAll().finally(() => {
      log.info({ reason, exitCode }, "stopped");
      process.exit(exitCode);
    });
  }

  for (const signal of signals) {
    process.on(signal, () => {
      if (stoppingSince === undefined) return stop(signal, exitCodeOnSignal);
      if (performance.now() - stoppingSince < samePressMilliseconds) return;
      log.error({ signal, part: closing }, "stopped at once by a second signal");
      process.exit(1);
    });
  }
  if (process.channel) process.once("disconnect", () => stop("the process that started this one is gone"));
  process.on("uncaughtException", (err, origin) => {
    log.fatal({ err, origin }, "an error nobody caught");
    stop(origin, 1);
  });

  return {
    onClose: (part, close) => void parts.push({ part, close }),
    stop,
    signal: aborter.signal,
  };
}
