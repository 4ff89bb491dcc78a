import type { Queryable } from "@dripline/db/database";
import { readDatabaseNow } from "@dripline/db/database-clock";
import { countWaiting, findWaiting, positionAt } from "@dripline/db/find-waiting";
import { queueHorizonDays } from "@dripline/queue/wake";
import type { WakeQueue } from "@dripline/queue/wake-queue";

export interface RebuildProgress {
  /** Rows whose job is in the queue, as far as this run has come. */
  readonly queued: number;
  /** How many there were at the start; people who are enrolled meanwhile come on top. */
  readonly total: number;
}

export type RebuildResult =
  | ({ readonly kind: "rebuilt" } & RebuildProgress)
  /** The queue went away on the way. What it took is in it; doing it again is harmless. */
  | ({ readonly kind: "queue_lost"; readonly error: unknown } & RebuildProgress)
  /** Nothing was queued: the sentences say what is wrong with the queue, and what to do. */
  | { readonly kind: "queue_unfit"; readonly problems: readonly string[] };

/** BullMQ's bulk add is not atomic on Redis and costs memory: at most this many at a time. */
const batchMax = 1_000;
const horizonMilliseconds = queueHorizonDays * 86_400_000;

/**
 * Gives every scheduled execution within the queue's horizon its job again, overdue ones first. A job that exists is
 * left as it is, and no row is touched, so that it can run while everything runs, be interrupted, and be repeated.
 */
export async function rebuildQueue(
  { db, queue }: { readonly db: Queryable; readonly queue: Pick<WakeQueue, "check" | "wake"> },
  onProgress: (progress: RebuildProgress) => void,
): Promise<RebuildResult> {
  const { problems } = await queue.check();
  if (problems.length > 0) return { kind: "queue_unfit", problems };

  const now = await readDatabaseNow(db);
  const until = new Date(now.getTime() + horizonMilliseconds);
  const total = await countWaiting(db, until);
  let queued = 0;
  for (let after = positionAt(new Date(0)); ; ) {
    const rows = await findWaiting(db, { after, until, limit: batchMax });
    const last = rows.at(-1);
    if (last === undefined) return { kind: "rebuilt", queued, total };
    try {
      await queue.wake(rows.map(({ scheduledFor, ...row }) => ({ ...row, at: scheduledFor })));
    } catch (error) {
      return { kind: "queue_lost", error, queued, total };
    }
    queued += rows.length;
    onProgress({ queued, total });
    after = last;
  }
}
