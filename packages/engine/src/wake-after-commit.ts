import type { WakeQueue } from "@dripline/queue/wake-queue";

/** A timer that a committed transaction asks for. */
export interface PendingWake {
  readonly executionId: string;
  readonly generation: number;
  readonly at: Date;
}

/**
 * Puts timers into the queue, after the transaction that wrote their rows. Never throws: a wake-up that cannot be queued
 * is reported, and a sweep finds its row when it is due. The row is the truth, the queue only wakes.
 */
export async function wakeAfterCommit(
  queue: Pick<WakeQueue, "wake">,
  wakes: readonly PendingWake[],
  onError: (error: unknown) => void,
): Promise<void> {
  if (wakes.length === 0) return;
  try {
    await queue.wake(wakes);
  } catch (error) {
    onError(error);
  }
}
