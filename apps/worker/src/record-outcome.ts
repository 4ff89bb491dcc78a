import type { Claim } from "@dripline/db/claim-executions";
import { isStatementAtFault } from "@dripline/db/database";
import { failExecutions } from "@dripline/db/fail-executions";
import type { ExecutionFacts } from "@dripline/db/load-facts";
import { releaseExecutions } from "@dripline/db/release-executions";
import { retryExecutions } from "@dripline/db/retry-executions";
import { unreachable } from "@dripline/domain/unreachable";
import { wakeAfterCommit } from "@dripline/engine/wake-after-commit";
import type { WakeVerdict } from "@dripline/queue/wake-queue";
import type { SendOutcome } from "./decide-outcome.ts";
import { keepTrying } from "./keep-trying.ts";
import { recordInDoubt } from "./record-in-doubt.ts";
import { recordSent } from "./record-sent.ts";
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
  outcome: SendOutcome,
  leaseEndsAt: Date,
): Promise<WakeVerdict> {
  const now = deps.now();
  await keepTrying(() => writeOutcome(deps, facts, claim, outcome, now), {
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
  outcome: SendOutcome,
  now: Date,
): Promise<void> {
  const { executionId, generation } = claim;
  const by = { now, actor: "worker" };
  switch (outcome.kind) {
    case "fenced":
      return letGo(deps, claim, now);

    case "sent":
      return recordSent(deps, facts, claim, outcome.response, now);

    case "in_doubt": {
      const { reason, message } = outcome;
      await recordInDoubt(deps, facts, {
        executionId,
        generation,
        attemptCount: claim.attemptCount,
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
        deps.metrics.outcome(outcome.kind === "retry" ? "retried" : "not_handed_over");
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
      const move = { executionId, generation, reason, message, smtpCode, enhancedCode };
      const failed = await failExecutions(deps.db, [move], by);
      if (failed.length === 1) deps.metrics.outcome("failed");
      deps.onCheckpoint("recorded", executionId);
      return deps.log.error({ executionId, reason, detail: message }, "failed: needs an operator");
    }

    default:
      return unreachable(outcome);
  }
}

/**
 * No body byte was allowed to leave: another worker has taken over, or consent, window or lease ended while this one
 * connected. If the row is still ours it goes back at once, and the next look at the facts says what becomes of it.
 */
async function letGo(deps: SendDeps, { executionId, generation }: Claim, now: Date): Promise<void> {
  const message = "Something changed while the worker connected to the mail server: nothing was sent.";
  const move = { executionId, generation, at: now, reason: "fenced", message };
  const [released] = await releaseExecutions(deps.db, [move], { now, actor: "worker" });
  deps.metrics.outcome("not_handed_over");
  deps.log.warn({ executionId, generation, isReleased: released !== undefined }, "fenced: nothing was sent");
  if (released === undefined) return;
  await wakeAfterCommit(deps.queue, [{ executionId, generation, at: now }], (err) =>
    deps.log.warn({ err, executionId }, "the timer of the next look could not be queued; the sweep will find its row"),
  );
}
