import { findOverdue, findUnwoken } from "@dripline/db/find-unwoken";
import type { Sweep } from "./sweep.ts";
import type { SweepDeps } from "./sweep-deps.ts";

// A timer fires within milliseconds as a rule. Three seconds late means that it is lost, or that the queue is long.
const graceSeconds = 3;

/**
 * In a long queue the timer is still there: a row that was woken once is left alone for ten minutes. If it is due even
 * then, its timer exists but never fires, and the row gets another one under a new name.
 */
const quietSeconds = 600;

/** BullMQ's bulk add is not atomic on Redis and costs memory: at most this many at a time. */
const batchMax = 1_000;

/** With fewer jobs than this at hand, a row that is ten seconds overdue is not waiting for its turn: its timer is gone. */
const shortQueueJobs = 100;
const stragglerSeconds = 10;

/**
 * Wakes due rows that nobody woke: the queue was down at the commit, or lost its jobs. A timer that exists already is
 * not set twice, because its name is the execution and generation. Answers how many rows it woke.
 */
export const wakeUnwoken: Sweep = {
  name: "wake-unwoken",
  async runOnce(deps) {
    // Throws while the queue is down: rows that are marked as woken and were not would wait for longer.
    await deps.queue.counts({ upTo: 1 });
    let found = 0;
    for (let batch = await wakeBatch(deps); batch > 0; batch = batch === batchMax ? await wakeBatch(deps) : 0) {
      found += batch;
    }
    return found + (await wakeStragglers(deps));
  },
};

async function wakeBatch(deps: SweepDeps): Promise<number> {
  const due = await findUnwoken(deps.db, { graceSeconds, quietSeconds, limit: batchMax });
  const wakes = due.map((row) => ({ ...row, at: row.scheduledFor }));
  const first = wakes.filter((wake) => !wake.wasRescued);
  const again = wakes.filter((wake) => wake.wasRescued);
  if (first.length > 0) await deps.queue.wake(first);
  // In a long or paused queue they wait their turn; more jobs would only make it longer.
  if (again.length > 0 && (await isQueueShort(deps))) {
    const bucket = Math.floor(deps.now().getTime() / (quietSeconds * 1_000));
    await deps.queue.wake(again, { rescue: String(bucket) });
  }
  return due.length;
}

/** Rows that a sweep woke before the queue lost everything (FLUSHALL) are found here, without waiting ten minutes. */
async function wakeStragglers(deps: SweepDeps): Promise<number> {
  const overdue = await findOverdue(deps.db, { graceSeconds: stragglerSeconds, limit: batchMax });
  if (overdue.length === 0 || !(await isQueueShort(deps))) return 0;
  await deps.queue.wake(overdue.map((row) => ({ ...row, at: row.scheduledFor })));
  return overdue.length;
}

async function isQueueShort(deps: SweepDeps): Promise<boolean> {
  const { waiting = 0, active = 0, paused = 0 } = await deps.queue.counts({ upTo: shortQueueJobs });
  return waiting + active + paused < shortQueueJobs;
}
