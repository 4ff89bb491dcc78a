import type { ExecutionFacts } from "@dripline/db/load-facts";
import { type DeliveryPlace, takeDeliveryPlace } from "@dripline/db/take-delivery-place";
import type { SendDecision } from "@dripline/domain/decide-send";
import { deferUnderBackoff, domainOf, domainScope, TRANSPORT_SCOPE } from "@dripline/domain/delivery-backoff";
import type { SendDeps } from "./send-deps.ts";

type Deliver = Extract<SendDecision, { kind: "deliver" }>;

export type BackoffPlace =
  | DeliveryPlace
  | { readonly kind: "backed_off"; readonly decision: ReturnType<typeof deferUnderBackoff> };

/**
 * While the mail server or the recipient's domain is slowed down, one email at a time leaves: takes this one's turn, or
 * says when it comes back. Nothing is slowed down as a rule, and then this costs nothing.
 */
export async function takeBackoffPlace(
  deps: Pick<SendDeps, "db">,
  facts: ExecutionFacts,
  decision: Deliver,
): Promise<BackoffPlace> {
  if (!facts.isBackedOff) return { kind: "taken", probes: [] };
  const scopes = [TRANSPORT_SCOPE, domainScope(domainOf(facts.contact.email))];
  const answer = await takeDeliveryPlace(deps.db, scopes);
  if (answer.kind === "taken") return answer;
  const { backoff, comeBackAt } = answer;
  return { kind: "backed_off", decision: deferUnderBackoff(facts, decision.zone, backoff, comeBackAt) };
}
