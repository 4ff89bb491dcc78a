import { setTimeout as delay } from "node:timers/promises";

// Short against anything a person notices, long enough not to keep a database busy with being asked.
const INTERVAL_MILLISECONDS = 20;

/**
 * Asks `condition` again and again until it returns something other than `undefined`, `null` or `false`, and returns
 * that. The one place in the tests with a timer: everything else waits through this, or for a signal.
 * @throws after `timeoutMilliseconds`, naming what was waited for and the last error `condition` threw, if any.
 */
export async function waitFor<Value>(
  condition: () => Value | Promise<Value>,
  { timeoutMilliseconds, describe }: { timeoutMilliseconds: number; describe: string },
): Promise<Exclude<Value, undefined | null | false>> {
  const deadline = performance.now() + timeoutMilliseconds;
  for (;;) {
    let cause: unknown;
    try {
      const value = await condition();
      if (value !== undefined && value !== null && value !== false) {
        return value as Exclude<Value, undefined | null | false>;
      }
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= deadline) {
      throw new Error(`waited ${timeoutMilliseconds} ms in vain for ${describe}`, { cause });
    }
    await delay(INTERVAL_MILLISECONDS);
  }
}
