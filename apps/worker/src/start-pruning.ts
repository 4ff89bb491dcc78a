import { setTimeout as wait } from "node:timers/promises";
import { readDatabaseNow } from "@dripline/db/database-clock";
import { takeTurn } from "@dripline/db/take-turn";
import { type Pruned, prune } from "@dripline/engine/prune";
import type { SendDeps } from "./send-deps.ts";

export interface Pruning {
  /** Waits for the batch that is under way; what is left goes another day. */
  stop(): Promise<void>;
}

const everyHours = 23;
const lookSeconds = 600;
const dayMilliseconds = 86_400_000;

/** Between two batches: emails come first. */
const restMilliseconds = 50;

/**
 * Deletes the history of what was over `retentionDays` ago, if nobody has done so since yesterday. Answers what went, or
 * undefined if it was not this worker's turn.
 */
export async function pruneIfDue(
  { db, log }: Pick<SendDeps, "db" | "log">,
  retentionDays: number,
  signal: AbortSignal,
): Promise<Pruned | undefined> {
  if (!(await takeTurn(db, "prune-history", everyHours))) return undefined;
  const before = new Date((await readDatabaseNow(db)).getTime() - retentionDays * dayMilliseconds);
  const pruned = await prune(db, { before, isDryRun: false, signal, restMilliseconds });
  log.info({ before, ...pruned }, "what was over for long enough is deleted");
  return pruned;
}

/** Looks every ten minutes whether it is time. Not a sweep: it may take minutes, in which emails must not be found late. */
export function startPruning(deps: SendDeps, retentionDays: number): Pruning {
  const stopping = new AbortController();
  const signal = AbortSignal.any([stopping.signal, deps.stopping]);
  deps.metrics.sweepFound("prune", 0); // both counters begin at 0
  const running = lookAgainAndAgain();

  async function lookAgainAndAgain(): Promise<void> {
    while (!signal.aborted) {
      await pruneIfDue(deps, retentionDays, signal).catch((err: unknown) => {
        deps.metrics.sweepFailed("prune");
        deps.log.error({ err }, "pruning went wrong; it is tried again tomorrow");
      });
      await wait(lookSeconds * 1_000, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
