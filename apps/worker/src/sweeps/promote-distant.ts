import { findWaiting, positionAt } from "@dripline/db/find-waiting";
import { advanceSweepCursor, readSweepCursor } from "@dripline/db/sweep-cursor";
import { queueHorizonDays } from "@dripline/queue/wake";
import type { Sweep } from "./sweep.ts";
import type { SweepDeps } from "./sweep-deps.ts";

const name = "promote-distant";
const horizonMilliseconds = queueHorizonDays * 86_400_000;

/**
 * Whoever writes a row asks a clock of their own whether it is within the horizon, and so does the queue here. Where
 * those are minutes behind, a row that counted as distant may be nearer than the cursor: so the cursor stays this far
 * behind the horizon, and the last minutes before it are walked again. A timer that exists is not set twice.
 */
const overlapMilliseconds = 5 * 60_000;

/** BullMQ's bulk add is not atomic on Redis and costs memory: at most this many at a time. */
const batchMax = 1_000;

/** A second or two of other sweeps' time. The first run of a large installation goes on at the next. */
const rowsMax = 20_000;

/**
 * Puts rows into the queue that were too far away when they were written, as they come within its horizon, so that they
 * fire on time and not only once a sweep finds them overdue. Walks along `scheduled_for` by the database's clock, from
 * where the last run stopped. Answers how many rows it queued.
 */
export const promoteDistant: Sweep = {
  name,
  everySeconds: 60,
  async runOnce(deps) {
    const { at, now } = await readSweepCursor(deps.db, name);
    const until = new Date(now.getTime() + horizonMilliseconds);
    const cursorMax = new Date(until.getTime() - overlapMilliseconds);
    const from = at ?? now;
    let promoted = 0;
    for (let after = positionAt(from); ; ) {
      const rows = await findWaiting(deps.db, { after, until, limit: batchMax });
      await deps.queue.wake(rows.map(({ scheduledFor, ...row }) => ({ ...row, at: scheduledFor })));
      promoted += rows.length;
      const last = rows.at(-1);
      const isOver = last === undefined || rows.length < batchMax;
      await moveCursor(deps, isOver ? cursorMax : earlier(last.scheduledFor, cursorMax));
      if (isOver) return promoted;
      // The cursor knows no ids: a run that stopped among rows of one moment would stop there for ever.
      if (promoted >= rowsMax && last.scheduledFor > from) return promoted;
      after = last;
    }
  },
};

function moveCursor(deps: SweepDeps, at: Date): Promise<void> {
  return advanceSweepCursor(deps.db, name, at);
}

function earlier(a: Date, b: Date): Date {
  return a < b ? a : b;
}
