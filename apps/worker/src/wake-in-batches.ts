import { inBatches } from "@dripline/queue/in-batches";
import type { TimedWake } from "@dripline/queue/wake";
import type { WakeQueue } from "@dripline/queue/wake-queue";

/** What BullMQ takes at once at most. */
const sizeMax = 1_000;

/**
 * The same queue for the emails under way: the timers that they set in the same moment go into it together. Several at once,
 * and those of a rescue, are lists already and go as they are.
 */
export function wakeInBatches(queue: Pick<WakeQueue, "wake">): Pick<WakeQueue, "wake"> {
  const wakeOne = inBatches<TimedWake, true>({
    run: async (wakes) => {
      await queue.wake(wakes);
      return wakes.map(() => true as const);
    },
    keyOf: ({ executionId, generation }) => `${executionId} ${generation}`,
    sizeMax,
    // While the queue is down each batch takes its time to fail, and the emails that come after it need not wait for that.
    runsMax: 10,
    patienceMilliseconds: 50,
  });
  return {
    async wake(wakes, options) {
      const [only, ...others] = wakes;
      if (only !== undefined && others.length === 0 && options?.rescue === undefined) await wakeOne(only);
      else await queue.wake(wakes, options);
    },
  };
}
