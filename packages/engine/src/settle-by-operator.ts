import { type Database, inTransaction } from "@dripline/db/database";
import { findDoubts } from "@dripline/db/find-doubts";
import { insertAuditEntry } from "@dripline/db/queries/insert-audit-entry";
import type { Pace } from "@dripline/domain/delay";
import type { WakeQueue } from "@dripline/queue/wake-queue";
import { auditOfMany } from "./audit-of-many.ts";
import { explainUnsettled, type Unsettled } from "./explain-unsettled.ts";
import { type SettleDoubts, settleDoubts } from "./settle-doubts.ts";
import { wakeAfterCommit } from "./wake-after-commit.ts";

export interface SettleByOperatorDeps {
  readonly db: Database;
  readonly queue: Pick<WakeQueue, "wake">;
  readonly now: Date;
  readonly pace: Pace;
  /** The principal, for the record. */
  readonly actor: string;
}

export interface Settlement {
  readonly settledIds: readonly string[];
  readonly leftAlone: readonly Unsettled[];
}

/** So many in one transaction: what was settled before a failure stays settled. */
const batchMax = 500;

/** More than anybody has; each is an id in memory. */
const doubtsMax = 1_000_000;

/**
 * Settles these executions, or all that are in doubt as it begins, and sets their timers. Says of each that it left
 * alone why. Doing it again is safe: what was settled before is not in doubt any more.
 */
export async function settleByOperator(
  deps: SettleByOperatorDeps,
  which: { readonly executionIds: readonly string[] } | "all",
  { as, note }: Pick<SettleDoubts, "as" | "note">,
): Promise<Settlement> {
  const ids =
    which === "all"
      ? (await findDoubts(deps.db, { limit: doubtsMax })).map(({ executionId }) => executionId)
      : [...new Set(which.executionIds.map((id) => id.toLowerCase()))];
  const settledIds: string[] = [];
  const leftAlone: Unsettled[] = [];
  for (let from = 0; from < ids.length; from += batchMax) {
    const executionIds = ids.slice(from, from + batchMax);
    const batch = await inTransaction(deps.db, async (tx) => {
      const settled = await settleDoubts(tx, { ...deps, which: { executionIds }, as, note });
      if (settled.executionIds.length > 0) {
        await insertAuditEntry(tx, auditOfMany("settleExecutions", settled.executionIds, deps, { as, note }));
      }
      const isSettled = new Set(settled.executionIds);
      const rest = executionIds.filter((id) => !isSettled.has(id));
      return { ...settled, leftAlone: await explainUnsettled(tx, rest, as) };
    });
    await wakeAfterCommit(deps.queue, batch.wakes, () => {}); // a sweep finds them if the queue is away
    settledIds.push(...batch.executionIds);
    leftAlone.push(...batch.leftAlone);
  }
  return { settledIds, leftAlone };
}
