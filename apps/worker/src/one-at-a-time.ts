export type OneAtATime = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * Makes a queue in which each piece of work waits for the end of the one before it, but for no longer than
 * `secondsMax`: what takes that long is slow, and whoever waits has waited enough. Waiting is in the order of the calls.
 */
export function makeOneAtATime(secondsMax: number): OneAtATime {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work);
    last = Promise.race([result, after(secondsMax)]).catch(() => {});
    return result;
  };

  async function after(seconds: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, seconds * 1_000).unref());
  }
}
