/** How many emails may be claimed at the same time: on their way to the mail server or next to go there. */
export interface MailSlots {
  /** Does `work` with a slot, for which it waits in the order of the calls. */
  use<Result>(work: () => Promise<Result>): Promise<Result>;
}

/**
 * A worker has more emails in hand than it sends at a time: the others are read, decided on and composed meanwhile. An email
 * is claimed with a slot only, so that its lease does not run while it waits for many others. Once the process is told to
 * stop nobody waits any more: what is not claimed yet goes back to the queue.
 */
export function makeMailSlots(count: number, stopping: AbortSignal): MailSlots {
  let free = count;
  const waiting: (() => void)[] = [];
  const stopWaiting = (): void => {
    for (const goOn of waiting.splice(0)) goOn();
  };
  stopping.addEventListener("abort", stopWaiting);

  async function take(): Promise<void> {
    if (free > 0 || stopping.aborted) free -= 1;
    else await new Promise<void>((resolve) => void waiting.push(resolve));
  }

  function giveBack(): void {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  }

  return {
    async use(work) {
      await take();
      try {
        return await work();
      } finally {
        giveBack();
      }
    },
  };
}
