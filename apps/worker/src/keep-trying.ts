import { setTimeout as wait } from "node:timers/promises";

export interface KeepTryingOptions {
  readonly isWorthTrying: (error: unknown) => boolean;
  /** Give up and throw after this long. */
  readonly seconds: number;
  readonly onRetry: (error: unknown) => void;
}

// Half a second is long enough for a failover to make progress and short enough to lose no time after a restart.
const pauseMilliseconds = 500;

/** Runs `work` until it succeeds; an error that is not worth another try, or time running out, is thrown. */
export async function keepTrying<T>(work: () => Promise<T>, options: KeepTryingOptions): Promise<T> {
  const giveUpAt = performance.now() + options.seconds * 1_000;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!options.isWorthTrying(error) || performance.now() > giveUpAt) throw error;
      options.onRetry(error);
      await wait(pauseMilliseconds);
    }
  }
}
