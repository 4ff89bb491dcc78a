import type { MovedBy } from "@dripline/db/arrow";
import type { Database } from "@dripline/db/database";
import { releaseBackedOff } from "@dripline/db/release-backed-off";
import type { WakeQueue } from "@dripline/queue/wake-queue";
import { wakeAfterCommit } from "./wake-after-commit.ts";

/** A statement that moves so many takes a fraction of a second, and the queue takes no more at a time. */
const batchMax = 1_000;

/**
 * Lets what waited for these scopes go on now, batch by batch, after they are not slowed down any more. Answers how many
 * executions moved. Whatever stops it in between, the rest comes back by itself at the moments it was told.
 */
export async function resumeDelivery(
  deps: { readonly db: Database; readonly queue: Pick<WakeQueue, "wake"> },
  scopes: readonly string[],
  by: MovedBy,
): Promise<number> {
  let count = 0;
  for (const scope of scopes) {
    for (let moved = batchMax; moved === batchMax; ) {
      const released = await releaseBackedOff(deps.db, scope, by, batchMax);
      const wakes = released.map(({ scheduledFor: at, executionId, generation }) => ({ executionId, generation, at }));
      await wakeAfterCommit(deps.queue, wakes, () => {}); // a sweep finds them if the queue is away
      moved = released.length;
      count += moved;
    }
  }
  return count;
}
