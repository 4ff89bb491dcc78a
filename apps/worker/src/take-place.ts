import { setTimeout as wait } from "node:timers/promises";
import type { Claim } from "@dripline/db/claim-executions";
import { giveBackPlace } from "@dripline/db/give-back-place";
import type { ExecutionFacts } from "@dripline/db/load-facts";
import { type SendPlace, takeSendPlace } from "@dripline/db/take-send-place";
import type { SendDecision } from "@dripline/domain/decide-send";
import { deferOverLimit, limitsOfEmail } from "@dripline/domain/throttle";
import type { SendDeps } from "./send-deps.ts";

type Deliver = Extract<SendDecision, { kind: "deliver" }>;

export type Place = SendPlace | { readonly kind: "over_limit"; readonly decision: ReturnType<typeof deferOverLimit> };

/**
 * Takes this email's place under every limit that applies to it, and waits for its slot of the rate, at most a second;
 * or says when it comes back. Without any limit nothing is asked. The date is that of the moment when the facts were
 * read, by the database's clock: an email decided on before midnight counts for that date.
 */
export async function takePlace(deps: SendDeps, facts: ExecutionFacts, decision: Deliver): Promise<Place> {
  const limits = limitsOfEmail(facts, decision, deps.limits, facts.databaseNow, deps.pace);
  const answer = await takeSendPlace(deps.db, {
    executionId: facts.execution.id,
    sequenceId: facts.sequence.id,
    contactId: facts.contact.id,
    sender: deps.from.address,
    schedule: facts.schedule,
    limits,
  });
  if (answer.kind === "over_limit") {
    return { kind: "over_limit", decision: deferOverLimit(facts, decision.zone, answer.over, facts.databaseNow) };
  }
  if (answer.waitMilliseconds > 0) await wait(answer.waitMilliseconds);
  return answer;
}

/** Nothing left, so the place is free for another email. If the database does not answer, it stays taken for that day. */
export async function givePlaceBack(
  deps: SendDeps,
  facts: ExecutionFacts,
  place: SendPlace,
  claim: Claim | null,
): Promise<void> {
  try {
    await giveBackPlace(deps.db, place, claim?.generation ?? null);
  } catch (err) {
    deps.log.warn({ err, executionId: facts.execution.id }, "a place under the limits could not be given back");
  }
}
