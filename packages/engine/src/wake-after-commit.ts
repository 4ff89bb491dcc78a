import type { WakeQueue } from "@dripline/queue/wake-queue";

/** A timer that a committed transaction asks for. */
export interface PendingWake {
  readonly executionId: string;
  readonly generation: number;
  readonly at: Date;
}

/** So long the answer to whoever asked waits for a queue that does not say yes or no: its row is written. */
const queueMillisecondsMax = 2_000;

/**
 * Puts timers into the queue, after the transaction that wrote their rows. Never throws: a wake-up that cannot be queued
 * within two seconds is reported, and a sweep finds its row when it is due. The row is the truth, the queue only wakes.
 */
export async function wakeAfterCommit(
  queue: Pick<WakeQueue, "wake">,
  wakes: readonly PendingWake[],
  onError: (error: unknown) => void,
): Promise<void> {
  if (wakes.length === 0) return;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`the queue did not answer within ${queueMillisecondsMax / 1_000} s`);
    timer = setTimeout(() => reject(error), queueMillisecondsMax);
  });
  try {
    // Of the two the first counts: what the queue says after that is neither reported nor missed.
    await Promise.race([queue.wake(wakes), late]);
  } catch (error) {
    onError(error);
  } finally {
    clearTimeout(timer);
  }
}

/** Up to here the answer to whoever asked waits for the queue: a fraction of a second. */
const wakesInForegroundMax = 1_000;

/**
 * The same for any number of timers: more than a thousand go into the queue in the background, thousand by thousand,
 * while the caller goes on. What the queue does not take is reported, and left to the sweep from there on.
 */
export async function wakeManyAfterCommit(
  queue: Pick<WakeQueue, "wake">,
  wakes: readonly PendingWake[],
  onError: (error: unknown) => void,
): Promise<void> {
  if (wakes.length <= wakesInForegroundMax) return wakeAfterCommit(queue, wakes, onError);
  void queueAll(queue, wakes).catch(onError);
}

async function queueAll(queue: Pick<WakeQueue, "wake">, wakes: readonly PendingWake[]): Promise<void> {
  for (let from = 0; from < wakes.length; from += wakesInForegroundMax) {
    await queue.wake(wakes.slice(from, from + wakesInForegroundMax));
  }
}
