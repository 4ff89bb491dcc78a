import { finishExecutions } from "@dripline/db/finish-executions";
import { type ExecutionFacts, loadFacts } from "@dripline/db/load-facts";
import { findExpiredLeases, releaseClaimed } from "@dripline/db/rescue-expired-leases";
import { advance } from "../advance.ts";
import { emailVariables } from "../email-variables.ts";
import type { SendDeps } from "../send-deps.ts";

const batchMax = 500;

/**
 * Settles executions whose worker did not come back. Claimed: nothing had left, so they are scheduled again at once
 * (the next sweep wakes them). Data: the first body byte may have left, so they are in doubt, and the sequence's policy
 * says whether the enrollment goes on. Answers how many rows it moved.
 */
export async function rescueLeases(deps: SendDeps): Promise<number> {
  const expired = await findExpiredLeases(deps.db, batchMax);
  if (expired.length === 0) return 0;
  const by = { now: deps.now(), actor: "sweep" };

  const claimed = expired.filter((lease) => lease.phase === "claimed");
  const released = await releaseClaimed(deps.db, claimed, by);

  const inData = expired.filter((lease) => lease.phase === "data");
  const facts = await loadFacts(
    deps.db,
    inData.map((lease) => lease.executionId),
  );
  for (const fact of facts) await declareInDoubt(deps, fact);

  return released.length + facts.length;
}

async function declareInDoubt(deps: SendDeps, facts: ExecutionFacts): Promise<void> {
  const { id: executionId, generation, status, messageId } = facts.execution;
  if (status !== "sending" || messageId === null) return;
  const finish = {
    executionId,
    generation,
    from: "sending",
    to: "in_doubt",
    at: deps.now(),
    email: {
      contactId: facts.contact.id,
      templateVersionId: facts.template.versionId,
      messageId,
      fromAddress: deps.from.address,
      toAddress: facts.contact.email,
      subject: facts.template.subject,
      variables: emailVariables(facts, ""),
      response: null,
    },
    event: {
      reason: "worker_lost",
      message: "The worker stopped after it began to hand the message over: it may have been delivered or not.",
      actor: "sweep",
    },
  } as const;
  if (facts.sequence.inDoubtPolicy === "advance") await advance(deps, facts, finish);
  else await finishExecutions(deps.db, [{ ...finish, plan: null }]);
}
