import type { Claim } from "@dripline/db/claim-executions";
import { isStatementAtFault } from "@dripline/db/database";
import { failExecutions } from "@dripline/db/fail-executions";
import type { EmailRecord } from "@dripline/db/finish-executions";
import type { ExecutionFacts } from "@dripline/db/load-facts";
import { releaseExecutions } from "@dripline/db/release-executions";
import { retryExecutions } from "@dripline/db/retry-executions";
import { unreachable } from "@dripline/domain/unreachable";
import { wakeAfterCommit } from "@dripline/engine/wake-after-commit";
import type { WakeVerdict } from "@dripline/queue/wake-queue";
import { advance } from "./advance.ts";
import type { ComposedEmail } from "./compose-email.ts";
import type { SendOutcome } from "./decide-outcome.ts";
import { keepTrying } from "./keep-trying.ts";
import { recordInDoubt } from "./record-in-doubt.ts";
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
  leaseEndsAt: Date,
): Promise<WakeVerdict> {
  const now = deps.now();
  await keepTrying(() => writeOutcome(deps, facts, claim, email, outcome, now), {
    // Whatever is wrong with the database may pass; only a statement that it cannot take will never go through.
    isWorthTrying: (error) => !isStatementAtFault(error),
    seconds: (leaseEndsAt.getTime() - now.getTime()) / 1_000,
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
      const isRecorded = await advance(deps, facts, {
        executionId,
        generation,
        from: "sending",
        to: "sent",
        at: by.now,
        email: log,
        event: null,
      });
      if (!isRecorded) {
        const { response } = outcome;
        return deps.log.error(
          { executionId, generation, response },
          "accepted, but the row had moved on: see its events",
        );
      }
      return deps.log.info({ executionId, messageId: email.message.messageId }, "sent");
    }

    case "in_doubt": {
      const { reason, message } = outcome;
      await recordInDoubt(deps, facts, {
        executionId,
        generation,
        email: emailRecord(deps, facts, email, null),
        event: { reason, message, actor: by.actor },
        now,
      });
      return deps.log.warn({ executionId, reason, detail: message }, "in doubt");
    }

    case "retry":
    case "release": {
      const { at, reason, message, smtpCode, enhancedCode } = outcome;
      const move = outcome.kind === "retry" ? retryExecutions : releaseExecutions;
      const moved = await move(deps.db, [{ executionId, generation, at, reason, message, smtpCode, enhancedCode }], by);
      deps.onCheckpoint("recorded", executionId);
      if (moved.length === 1) {
        await wakeAfterCommit(deps.queue, [{ executionId, generation, at }], (err) =>
          deps.log.warn(
            { err, executionId },
            "the timer of the next try could not be queued; the sweep will find its row",
          ),
        );
      }
      return deps.log.warn({ executionId, reason, detail: message, at }, "will be tried again");
    }

    case "failed": {
      const { reason, message, smtpCode, enhancedCode } = outcome;
      await failExecutions(deps.db, [{ executionId, generation, reason, message, smtpCode, enhancedCode }], by);
      deps.onCheckpoint("recorded", executionId);
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
