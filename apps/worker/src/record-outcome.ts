import type { Claim } from "@dripline/db/claim-executions";
import { isDatabaseUnavailable } from "@dripline/db/database";
import { failExecutions } from "@dripline/db/fail-executions";
import { type EmailRecord, finishExecutions } from "@dripline/db/finish-executions";
import type { ExecutionFacts } from "@dripline/db/load-facts";
import { retryExecutions } from "@dripline/db/retry-executions";
import { unreachable } from "@dripline/domain/unreachable";
import { wakeAfterCommit } from "@dripline/engine/wake-after-commit";
import type { WakeVerdict } from "@dripline/queue/wake-queue";
import { advance } from "./advance.ts";
import type { ComposedEmail } from "./compose-email.ts";
import type { SendOutcome } from "./decide-outcome.ts";
import { keepTrying } from "./keep-trying.ts";
import type { SendDeps } from "./send-deps.ts";

/**
 * Writes down what became of the message, fenced by the claim's generation, and sets the next timer. The server has
 * answered by now, so a database that is away for a moment is waited for, as long as the lease lasts: giving up earlier
 * would turn a known outcome into a doubt.
 */
export async function recordOutcome(
  deps: SendDeps,
  facts: ExecutionFacts,
  claim: Claim,
  email: ComposedEmail,
  outcome: SendOutcome,
): Promise<WakeVerdict> {
  const now = deps.now();
  await keepTrying(() => writeOutcome(deps, facts, claim, email, outcome, now), {
    isWorthTrying: isDatabaseUnavailable,
    seconds: deps.leases.claimSeconds,
    onRetry: (err) => deps.log.warn({ err, ...claim, outcome: outcome.kind }, "cannot record the outcome yet"),
  });
  return { kind: "done" };
}

async function writeOutcome(
  deps: SendDeps,
  facts: ExecutionFacts,
  claim: Claim,
  email: ComposedEmail,
  outcome: SendOutcome,
  now: Date,
): Promise<void> {
  const { executionId, generation } = claim;
  const by = { now, actor: "worker" };
  switch (outcome.kind) {
    case "fenced":
      return deps.log.warn({ executionId, generation }, "fenced: another worker has taken over, nothing was sent");

    case "sent": {
      const log = emailRecord(deps, facts, email, outcome.response);
      await advance(deps, facts, {
        executionId,
        generation,
        from: "sending",
        to: "sent",
        at: by.now,
        email: log,
        event: null,
      });
      return deps.log.info({ executionId, messageId: email.message.messageId }, "sent");
    }

    case "in_doubt": {
      const { reason, message } = outcome;
      const finish = {
        executionId,
        generation,
        from: "sending",
        to: "in_doubt",
        at: by.now,
        email: emailRecord(deps, facts, email, null),
        event: { reason, message, actor: by.actor },
      } as const;
      if (facts.sequence.inDoubtPolicy === "advance") await advance(deps, facts, finish);
      else await finishExecutions(deps.db, [{ ...finish, plan: null }]);
      return deps.log.warn({ executionId, reason, detail: message }, "in doubt");
    }

    case "retry": {
      const { at, reason, message } = outcome;
      const moved = await retryExecutions(deps.db, [{ executionId, generation, at, reason, message }], by);
      if (moved.length === 1) {
        await wakeAfterCommit(deps.queue, [{ executionId, generation, at }], (err) =>
          deps.log.warn({ err, executionId }, "the retry's timer could not be queued; the sweep will find its row"),
        );
      }
      return deps.log.warn({ executionId, reason, detail: message, at }, "will be tried again");
    }

    case "failed": {
      const { reason, message } = outcome;
      await failExecutions(deps.db, [{ executionId, generation, reason, message }], by);
      return deps.log.error({ executionId, reason, detail: message }, "failed: needs an operator");
    }

    default:
      return unreachable(outcome);
  }
}

function emailRecord(
  deps: SendDeps,
  facts: ExecutionFacts,
  email: ComposedEmail,
  response: string | null,
): EmailRecord {
  return {
    contactId: facts.contact.id,
    templateVersionId: facts.template.versionId,
    messageId: email.message.messageId,
    fromAddress: deps.from.address,
    toAddress: facts.contact.email,
    subject: email.subject,
    variables: email.variables,
    response,
  };
}
