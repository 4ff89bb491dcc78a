import { setTimeout as wait } from "node:timers/promises";
import type { Claim } from "@dripline/db/claim-executions";
import { giveBackPlace } from "@dripline/db/give-back-place";
import type { ExecutionFacts } from "@dripline/db/load-facts";
import { giveBackDeliveryPlace } from "@dripline/db/take-delivery-place";
import { type SendPlace, takeSendPlace } from "@dripline/db/take-send-place";
import type { SendDecision } from "@dripline/domain/decide-send";
import { deferOverLimit, limitsOfEmail } from "@dripline/domain/throttle";
import type { SendDeps } from "./send-deps.ts";
import { type BackoffPlace, takeBackoffPlace } from "./take-backoff-place.ts";

type Deliver = Extract<SendDecision, { kind: "deliver" }>;

/** A place under every limit, and a turn wherever it is slowed down. */
export type TakenPlace = SendPlace & { readonly probes: readonly string[] };

export type Place =
  | TakenPlace
  | { readonly kind: "over_limit"; readonly decision: ReturnType<typeof deferOverLimit> }
  | Extract<BackoffPlace, { kind: "backed_off" }>;

/**
 * Takes this email's turn, if the mail server or the recipient's domain is slowed down, and then its place under every
 * limit that applies to it, and waits for its slot of the rate, at most a second; or says when it comes back. The turn
 * comes first because who waits for one, over and over, must not use up a limit meanwhile. Limits count on the date of the
 * moment when the facts were read, by the database's clock: an email decided on before midnight counts for that date.
 */
export async function takePlace(deps: SendDeps, facts: ExecutionFacts, decision: Deliver): Promise<Place> {
  const turn = await takeBackoffPlace(deps, facts, decision);
  if (turn.kind === "backed_off") return turn;
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
    await giveBackDeliveryPlace(deps.db, turn);
    return { kind: "over_limit", decision: deferOverLimit(facts, decision.zone, answer.over, facts.databaseNow) };
  }
  if (answer.waitMilliseconds > 0) await wait(answer.waitMilliseconds);
  return { ...answer, probes: turn.probes };
}

/**
 * Nothing left, so the place is free for another email, and without a claim nothing was tried: so is the turn. If the database does not answer, it stays taken for that
 * day.
 */
export async function givePlaceBack(
  deps: SendDeps,
  facts: ExecutionFacts,
  place: TakenPlace,
  claim: Claim | null,
): Promise<void> {
  try {
    if (claim === null) await giveBackDeliveryPlace(deps.db, place);
    await giveBackPlace(deps.db, place, claim?.generation ?? null);
  } catch (err) {
    deps.log.warn({ err, executionId: facts.execution.id }, "a place under the limits could not be given back");
  }
}
