import type { ExecutionFacts } from "@dripline/db/load-facts";
import { decideSend } from "@dripline/domain/decide-send";
import type { Wake } from "@dripline/queue/wake";
import type { WakeVerdict } from "@dripline/queue/wake-queue";
import { applyDecision } from "./apply-decision.ts";
import { composeEmail } from "./compose-email.ts";
import { decideOutcome, mayHaveLeft } from "./decide-outcome.ts";
import { deliverUnderLease } from "./deliver-under-lease.ts";
import { holdUnrenderable } from "./hold-unrenderable.ts";
import { noteDelivery } from "./note-delivery.ts";
import { recordOutcome } from "./record-outcome.ts";
import type { SendDeps } from "./send-deps.ts";
import { statementsOn } from "./statements.ts";
import { givePlaceBack, type TakenPlace, takePlace } from "./take-place.ts";

/**
 * One wake-up, from "somebody says this step is due" to the recorded outcome. The wake-up proves nothing: it may be
 * old, early or a duplicate, so every fact is read again, and the claim checks the decisive ones once more in its own
 * statement. The answer tells the queue whether this wake-up is over or has to come again.
 *
 * @throws when the database cannot be reached; the queue brings the wake-up again, and no attempt is used up
 */
export async function sendStep(deps: SendDeps, wake: Wake): Promise<WakeVerdict> {
  if (deps.stopping.aborted) return { kind: "again", at: deps.now() }; // for another worker
  deps.onCheckpoint("woken", wake.executionId);
  const statements = statementsOn(deps.db);
  const about = { "dripline.execution_id": wake.executionId, "dripline.generation": wake.generation };
  const { spans } = deps;
  const facts = await spans.run("load facts", about, () => statements.loadFacts(wake.executionId));
  if (facts === undefined) return wakeIsOver(deps, wake, "there is no such execution");

  const decision = decideSend(facts, wake.generation, facts.databaseNow, deps.pace);
  if (decision.kind === "stale") return wakeIsOver(deps, wake, decision.reason);
  if (decision.kind !== "deliver") return applyDecision(deps, facts, decision);

  const email = await spans.run("compose", about, async () =>
    composeEmail(deps, facts, await statements.loadTemplate(facts.template.versionId)),
  );
  if (email.kind === "unrenderable") return holdUnrenderable(deps, facts, email);

  deps.onCheckpoint("composed", wake.executionId);

  const place = await spans.run("take place", about, () => takePlace(deps, facts, decision));
  if (place.kind !== "taken") return applyDecision(deps, facts, place.decision);
  deps.onCheckpoint("place_taken", wake.executionId);

  const window = { openUntil: decision.openUntil, scheduleUpdatedAt: facts.schedule.updatedAt };
  const delivery = await deps.slots.use(async () => {
    if (deps.stopping.aborted) return undefined;
    const request = {
      ...wake,
      stepId: facts.execution.stepId,
      messageId: email.message.messageId,
      source: email.source,
      zone: decision.zone,
      ...window,
      leaseSeconds: deps.leases.claimSeconds,
    };
    const claim = await spans.run("claim", about, () => statements.claim(request));
    if (claim === undefined) {
      deps.metrics.claimLost();
      return undefined;
    }
    deps.onCheckpoint("claimed", wake.executionId);
    return { claim, ...(await deliverUnderLease(deps, claim, email.message, window)) };
  });
  if (delivery === undefined) return lostTheRace(deps, facts, place);
  deps.onCheckpoint("replied", wake.executionId);

  const { claim, reply, leaseEndsAt } = delivery;
  const outcome = decideOutcome(reply, claim, deps.now(), deps.pace);
  if (!mayHaveLeft(outcome)) await givePlaceBack(deps, facts, place, claim);
  const verdict = await spans.run("record", { ...about, "dripline.outcome": outcome.kind }, () =>
    recordOutcome(deps, facts, claim, outcome, leaseEndsAt),
  );
  await noteDelivery(deps, facts, place, outcome);
  return verdict;
}

function wakeIsOver(deps: SendDeps, wake: Wake, reason: string): WakeVerdict {
  deps.log.debug({ ...wake, reason }, "wake-up is over");
  return { kind: "done" };
}

/** Between reading and claiming, somebody else claimed the row or the facts changed. A second look will tell which. */
const secondLookMilliseconds = 1_000;

async function lostTheRace(deps: SendDeps, facts: ExecutionFacts, place: TakenPlace): Promise<WakeVerdict> {
  await givePlaceBack(deps, facts, place, null);
  const { id: executionId, generation } = facts.execution;
  deps.log.debug({ executionId, generation }, "claim refused: the facts changed since they were read");
  return { kind: "again", at: new Date(deps.now().getTime() + secondLookMilliseconds) };
}
