import type { ExecutionFacts } from "@dripline/db/load-facts";
import { noteDeliveryFailure } from "@dripline/db/note-delivery-failure";
import { noteDeliverySuccess } from "@dripline/db/note-delivery-success";
import type { DeliveryPlace } from "@dripline/db/take-delivery-place";
import {
  type BackoffReason,
  backoffJitter,
  backoffScope,
  backoffSteps,
  domainBackoffOverSeconds,
  nameOfScope,
  TRANSPORT_SCOPE,
} from "@dripline/domain/delivery-backoff";
import { resumeDelivery } from "@dripline/engine/resume-delivery";
import type { SendOutcome } from "./decide-outcome.ts";
import type { SendDeps } from "./send-deps.ts";

/**
 * What the outcome of one email means for the emails after it: the mail server, or the recipient's domain, is slowed
 * down, or works again. The outcome itself is recorded by now, so nothing is lost if this cannot be: the next email
 * meets the same server.
 */
export async function noteDelivery(
  deps: SendDeps,
  facts: ExecutionFacts,
  { probes }: Pick<DeliveryPlace, "probes">,
  outcome: SendOutcome,
): Promise<void> {
  try {
    if (outcome.kind === "sent" && probes.length > 0) await noteSuccess(deps, facts, probes);
    if ("slowsDown" in outcome && outcome.slowsDown !== null) {
      await noteFailure(deps, facts, outcome.slowsDown, outcome.message);
    }
  } catch (err) {
    deps.log.warn({ err, executionId: facts.execution.id }, "what the mail server said could not be kept for the next");
  }
}

async function noteFailure(
  deps: SendDeps,
  facts: ExecutionFacts,
  reason: BackoffReason,
  message: string,
): Promise<void> {
  const { id: executionId } = facts.execution;
  const scope = backoffScope(reason, facts.contact.email);
  const noted = await noteDeliveryFailure(deps.db, {
    scope,
    reason,
    message,
    steps: backoffSteps(reason, deps.pace),
    jitter: backoffJitter(`${scope}:${executionId}`),
    startedAt: facts.databaseNow,
  });
  if (noted === undefined) return; // others that were under way with it have said so already
  const { nextAt, intervalSeconds } = noted;
  const fields = { executionId, scope, reason, detail: message, nextAt, intervalSeconds };
  if (scope === TRANSPORT_SCOPE) {
    deps.log.error(fields, "sending stands still, one email at a time tries again; see dripline doctor");
  } else {
    deps.log.warn(fields, `${nameOfScope(scope)} is slowed down: one email at a time`);
  }
}

async function noteSuccess(deps: SendDeps, facts: ExecutionFacts, scopes: readonly string[]): Promise<void> {
  const over = await noteDeliverySuccess(deps.db, {
    scopes,
    domainOverSeconds: domainBackoffOverSeconds(deps.pace),
    startedAt: facts.databaseNow,
  });
  for (const scope of over)
    deps.log.info({ executionId: facts.execution.id, scope }, `${nameOfScope(scope)} takes emails as usual again`);
  // What waits for a domain comes back by itself, one after the other: all at once it would be slowed down anew.
  if (!over.includes(TRANSPORT_SCOPE)) return;
  await resumeDelivery(deps, [TRANSPORT_SCOPE], { now: deps.now(), actor: "worker" });
}
