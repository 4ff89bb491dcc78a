/**
 * Runs `run` over lists instead of single items: whatever is asked for while an earlier list is under way goes together in
 * the next one. So a statement per email becomes a statement for all emails in hand, without anybody waiting for a list to
 * fill. A list that takes longer than `patienceMilliseconds` (somebody else holds a row of it) is not waited for any longer:
 * up to `runsMax` are under way then.
 *
 * After a list of several the next one begins `gatherMilliseconds` later: where there is much to do, more goes together for it,
 * and where there is little nothing waits.
 *
 * Two items with the same key never share a list: which of them moved the row would not be told apart. A list that
 * fails is tried again one by one, so that an item that cannot go through keeps none of the others from it; `run`
 * must stand being called again for what it has done already.
 */
export function inBatches<Item, Result>({
  run,
  keyOf,
  sizeMax,
  runsMax,
  patienceMilliseconds,
  gatherMilliseconds = 4,
}: {
  readonly run: (items: readonly Item[]) => Promise<readonly (Result | undefined)[]>;
  readonly keyOf: (item: Item) => string;
  readonly sizeMax: number;
  readonly runsMax: number;
  readonly patienceMilliseconds: number;
  /** The default is about half of what a statement for many takes: so it comes to a third fewer, and nobody feels the wait. */
  readonly gatherMilliseconds?: number;
}): (item: Item) => Promise<Result | undefined> {
  let waiting: Waiting<Item, Result>[] = [];
  let running = 0;
  /** Of those, how many have taken so long that nobody waits for them any more. */
  let slow = 0;
  let isScheduled = false;
  /** Whether the last list tells of much to do. */
  let isBusy = false;

  function schedule(): void {
    if (isScheduled || running > slow || running >= runsMax || waiting.length === 0) return;
    isScheduled = true;
    const next = (): void => {
      isScheduled = false;
      start(takeBatch());
    };
    if (isBusy && waiting.length < sizeMax) setTimeout(next, gatherMilliseconds);
    else setImmediate(next);
  }

  function start(batch: Waiting<Item, Result>[]): void {
    running += 1;
    isBusy = batch.length >= severalMin;
    let isSlow = false;
    const timer = setTimeout(() => {
      isSlow = true;
      slow += 1;
      schedule();
    }, patienceMilliseconds);
    void settle(batch, run).finally(() => {
      clearTimeout(timer);
      running -= 1;
      if (isSlow) slow -= 1;
      schedule();
    });
  }

  function takeBatch(): Waiting<Item, Result>[] {
    const keys = new Set<string>();
    const batch: Waiting<Item, Result>[] = [];
    const rest: Waiting<Item, Result>[] = [];
    for (const one of waiting) {
      const key = keyOf(one.item);
      if (batch.length < sizeMax && !keys.has(key)) {
        keys.add(key);
        batch.push(one);
      } else rest.push(one);
    }
    waiting = rest;
    return batch;
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      schedule();
    });
}

/** At full speed a list has ten and more; one or two come together by chance. */
const severalMin = 4;

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result | undefined) => void;
  readonly reject: (error: unknown) => void;
}

async function settle<Item, Result>(
  batch: readonly Waiting<Item, Result>[],
  run: (items: readonly Item[]) => Promise<readonly (Result | undefined)[]>,
): Promise<void> {
  try {
    const results = await run(batch.map(({ item }) => item));
    for (const [index, { resolve }] of batch.entries()) resolve(results[index]);
  } catch (error) {
    const [only, ...others] = batch;
    if (others.length === 0) only?.reject(error);
    else await Promise.all(batch.map((one) => settle([one], run)));
  }
}
