import { pruneIdempotencyKeys } from "@dripline/db/prune-idempotency-keys";
import type { Sweep } from "./sweep.ts";

/** Promised are 24 hours; a week lets a job that failed before a weekend be run again after it. */
const keepDays = 7;

/** Small, so that no request waits long for a row or a vacuum for a snapshot. */
const batchMax = 1_000;

/** A round must not keep the other sweeps waiting: 50,000 every ten minutes is more than any API of ours is asked for. */
const batchesMax = 50;

/** Forgets the answers of requests that nobody repeats any more. */
export const pruneStoredAnswers: Sweep = {
  name: "prune-idempotency-keys",
  everySeconds: 600,
  async runOnce({ db, stopping }) {
    let pruned = 0;
    for (let batch = 0; batch < batchesMax && !stopping.aborted; batch++) {
      const deleted = await pruneIdempotencyKeys(db, { keepDays, limit: batchMax });
      pruned += deleted;
      if (deleted < batchMax) break;
    }
    return pruned;
  },
};
