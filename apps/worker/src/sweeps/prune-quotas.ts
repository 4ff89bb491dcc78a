import { pruneSendQuotas } from "@dripline/db/prune-send-quotas";
import type { SweepDeps } from "./sweep-deps.ts";

/** Far behind any date that still counts, and enough to look back on a month. */
const keepDays = 40;

/**
 * Makes a sweep that deletes counts of dates long over, the first time it runs on a date of this process's clock and
 * not again on that date: the table has no index for it and grows by a row per sequence and day. Answers how many.
 */
export function makeQuotaPruning(deps: Pick<SweepDeps, "db" | "now">): () => Promise<number> {
  let prunedOn = "";
  return async () => {
    const today = deps.now().toISOString().slice(0, 10);
    if (today === prunedOn) return 0;
    const pruned = await pruneSendQuotas(deps.db, keepDays);
    prunedOn = today;
    return pruned;
  };
}
