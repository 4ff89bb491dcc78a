import { type Database, inTransaction } from "@dripline/db/database";
import { endDeliveryBackoffs } from "@dripline/db/end-delivery-backoffs";
import { insertAuditEntry } from "@dripline/db/queries/insert-audit-entry";
import type { WakeQueue } from "@dripline/queue/wake-queue";
import { resumeDelivery } from "./resume-delivery.ts";

export interface ResumeDeliveryDeps {
  readonly db: Database;
  readonly queue: Pick<WakeQueue, "wake">;
  readonly now: Date;
  /** The principal, for the record. */
  readonly actor: string;
}

/**
 * An operator put right what a mail server had refused: these scopes, or all, are used as usual again, and what waited
 * for them goes on at once. If the server still refuses, the next email says so and slows the scope down anew. Answers the
 * scopes that were slowed down, and how many executions went on.
 */
export async function resumeDeliveryByOperator(
  deps: ResumeDeliveryDeps,
  which: readonly string[] | "all",
): Promise<{ readonly scopes: readonly string[]; readonly executions: number }> {
  const scopes = await inTransaction(deps.db, async (tx) => {
    const ended = await endDeliveryBackoffs(tx, which);
    for (const scope of ended) {
      await insertAuditEntry(tx, {
        at: deps.now,
        principal: deps.actor,
        action: "resume-delivery",
        objectType: "delivery-backoff",
        objectId: scope,
      });
    }
    return ended;
  });
  return { scopes, executions: await resumeDelivery(deps, scopes, deps) };
}
