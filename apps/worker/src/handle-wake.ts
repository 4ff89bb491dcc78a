import { countUnclaimedLosses, lostRepeatedly, readWorkerLosses, workerLossesAlone } from "@dripline/db/worker-losses";
import type { Wake } from "@dripline/queue/wake";
import type { WakeHandler, WakeVerdict } from "@dripline/queue/wake-queue";
import { makeOneAtATime } from "./one-at-a-time.ts";
import type { SendDeps } from "./send-deps.ts";
import { sendStep } from "./send-step.ts";

/** A process that an email kills is dead within this time; one that still lives after it is only slow at the mail server. */
const aloneSeconds = 30;

/**
 * What a worker process does with a wake-up: `sendStep`, and before it the question whether this email kills workers.
 *
 * Whatever was in hand when a worker died is tried again like any other. What was in hand when a second one died is a
 * suspect. Suspects are tried one at a time, so that the next death names the culprit: the innocent go out, each in its
 * turn, and the count of the one that kills goes up alone until it is stopped. The count is raised in the database before
 * the try, for the death that is known; a death after the claim is counted when its lease is over, and its wake-up belongs
 * to a generation that is over then, so none counts twice.
 */
export function makeWakeHandler(deps: SendDeps): WakeHandler {
  const oneAtATime = makeOneAtATime(aloneSeconds);
  return async (wake, losses) => {
    const send = () => (losses > 0 ? sendAfterLoss(deps, wake) : sendStep(deps, wake));
    return (await isSuspect(deps, wake, losses)) ? oneAtATime(send) : send();
  };
}

/**
 * A death after the claim is in the row, whose generation has gone up since; one before it is known to the queue and not
 * counted yet. The first wake-up of a row need not ask.
 */
async function isSuspect(deps: SendDeps, { executionId, generation }: Wake, losses: number): Promise<boolean> {
  if (generation === 0 && losses === 0) return false;
  return (await readWorkerLosses(deps.db, executionId)) + Math.min(losses, 1) >= workerLossesAlone;
}

async function sendAfterLoss(deps: SendDeps, wake: Wake): Promise<WakeVerdict> {
  if (deps.stopping.aborted) return { kind: "again", at: deps.now() }; // not tried here, so not counted
  const [counted] = await countUnclaimedLosses(deps.db, [wake], { now: deps.now(), actor: "worker" });
  if (counted?.kind === "failed") {
    deps.metrics.outcome("failed");
    deps.log.error({ ...wake, workerLosses: counted.workerLosses }, lostRepeatedly.message);
    return { kind: "done" };
  }
  if (counted !== undefined) deps.log.warn({ ...counted }, "a worker died with this email in hand; it is tried again");
  return sendStep(deps, wake);
}
