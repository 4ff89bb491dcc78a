import { type ExecutionFacts, loadFacts } from "@dripline/db/load-facts";
import { type ExpiredLease, findExpiredLeases, releaseClaimed } from "@dripline/db/rescue-expired-leases";
import { countDataLosses, lostRepeatedly } from "@dripline/db/worker-losses";
import { recordInDoubt } from "../record-in-doubt.ts";
import type { SendDeps } from "../send-deps.ts";
import type { Sweep } from "./sweep.ts";

const batchMax = 500;

/**
 * Settles executions whose worker did not come back. Claimed: nothing had left, so they are scheduled again at once
 * (the sweep after this one wakes them), or failed if too many workers died with them. Data: the first body byte may have
 * left, so they are in doubt, and the sequence's policy says whether the enrollment goes on. One that cannot be settled
 * is logged and keeps none of the others waiting. Answers how many rows it settled.
 */
export const rescueLeases = {
  name: "rescue-leases",
  async runOnce(deps: SendDeps): Promise<number> {
    const expired = await findExpiredLeases(deps.db, batchMax);
    const [oldest] = expired;
    if (oldest === undefined) return 0;
    deps.onCheckpoint("leases_found", oldest.executionId);

    const claimed = expired.filter((lease) => lease.phase === "claimed");
    const released = await releaseClaimed(deps.db, claimed, { now: deps.now(), actor: "sweep" });
    for (const { executionId, kind } of released) {
      if (kind !== "failed") continue;
      deps.metrics.outcome("failed");
      deps.log.error({ executionId }, lostRepeatedly.message);
    }
    deps.onCheckpoint("leases_released", oldest.executionId);

    const inData = new Map(expired.filter(({ phase }) => phase === "data").map((lease) => [lease.executionId, lease]));
    const inDoubt: string[] = [];
    for (const facts of await loadFacts(deps.db, [...inData.keys()])) {
      const lease = inData.get(facts.execution.id);
      if (lease !== undefined && (await declareInDoubt(deps, facts, lease))) inDoubt.push(lease.executionId);
    }
    await countDataLosses(deps.db, inDoubt);
    return released.length + inDoubt.length;
  },
} satisfies Sweep;

async function declareInDoubt(deps: SendDeps, facts: ExecutionFacts, lease: ExpiredLease): Promise<boolean> {
  try {
    return await recordInDoubt(deps, facts, {
      executionId: lease.executionId,
      // As it was found: a row that somebody claimed again meanwhile has a higher one and is left alone.
      generation: lease.generation,
      attemptCount: facts.execution.attemptCount,
      event: {
        reason: "worker_lost",
        message: "The worker stopped after it began to hand the message over: it may have been delivered or not.",
        actor: "sweep",
      },
      now: deps.now(),
    });
  } catch (err) {
    deps.log.error({ err, executionId: lease.executionId }, "an execution in doubt could not be settled");
    return false;
  }
}
