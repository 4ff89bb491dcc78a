import type { Claim } from "@dripline/db/claim-executions";
import type { ExecutionFacts } from "@dripline/db/load-facts";
import { advance } from "./advance.ts";
import type { SendDeps } from "./send-deps.ts";

/**
 * sending → sent, and the next step opens. When the "250" comes after the lease had ended (a frozen machine, a database
 * that was away), the row is in doubt by then, or scheduled to be sent again: as long as nobody has claimed it since, its
 * generation is still the one of this claim, and the reply settles the doubt.
 */
export async function recordSent(
  deps: SendDeps,
  facts: ExecutionFacts,
  { executionId, generation }: Claim,
  response: string,
  now: Date,
): Promise<void> {
  const sent = { executionId, generation, to: "sent", at: now, email: { response } } as const;
  if (await advance(deps, facts, { ...sent, from: "sending", event: null })) {
    deps.metrics.outcome("sent");
    deps.metrics.lateness((now.getTime() - facts.execution.scheduledFor.getTime()) / 1_000);
    return deps.log.info({ executionId, generation }, "sent");
  }
  const message = "The mail server's answer came late, and says that it was accepted.";
  const event = { reason: "late_reply", message, actor: "worker" };
  for (const from of ["in_doubt", "scheduled"] as const) {
    if (await advance(deps, facts, { ...sent, from, event })) {
      deps.metrics.outcome("sent");
      return deps.log.warn({ executionId, generation, from }, "sent: a late reply settled the doubt");
    }
  }
  deps.log.warn(
    { executionId, generation, response },
    "accepted, and recorded before, or another worker has it: see its events",
  );
}
