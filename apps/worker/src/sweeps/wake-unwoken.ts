import { findUnwoken } from "@dripline/db/find-unwoken";
import type { SendDeps } from "../send-deps.ts";

// A timer fires within milliseconds as a rule. Three seconds late means that it is lost, or that the queue is long.
const graceSeconds = 3;

/** In a long queue the timer is still there; a row is looked at again after a minute, not at every sweep. */
const quietSeconds = 60;

/** BullMQ's bulk add is not atomic on Redis and costs memory: at most this many at a time. */
const batchMax = 1_000;

/** A timer that is still there under its own name but never fires gets company under a new name every ten minutes. */
const rescueMilliseconds = 600_000;

/**
 * Wakes due rows that nobody woke: the queue was down at the commit, or lost its jobs. A timer that exists already is
 * not set twice, because its name is the execution and generation. Answers how many rows it found.
 */
export async function wakeUnwoken(deps: Pick<SendDeps, "db" | "queue" | "now">): Promise<number> {
  const due = await findUnwoken(deps.db, { graceSeconds, quietSeconds, limit: batchMax });
  const wakes = due.map((row) => ({ ...row, at: row.scheduledFor }));
  const first = wakes.filter((wake) => !wake.wasRescued);
  const again = wakes.filter((wake) => wake.wasRescued);
  if (first.length > 0) await deps.queue.wake(first);
  if (again.length > 0) {
    const bucket = Math.floor(deps.now().getTime() / rescueMilliseconds);
    await deps.queue.wake(again, { rescue: String(bucket) });
  }
  return due.length;
}
