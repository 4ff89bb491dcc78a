import type { FinishEvent } from "@dripline/db/finish-executions";
import type { ExecutionFacts } from "@dripline/db/load-facts";
import { resendInDoubt } from "@dripline/db/resend-in-doubt";
import { decideDoubt } from "@dripline/domain/decide-doubt";
import { unreachable } from "@dripline/domain/unreachable";
import { wakeAfterCommit } from "@dripline/engine/wake-after-commit";
import { advance } from "./advance.ts";
import type { SendDeps } from "./send-deps.ts";
import { statementsOn } from "./statements.ts";

export interface Doubt {
  readonly executionId: string;
  readonly generation: number;
  /** The attempt that is in doubt included. */
  readonly attemptCount: number;
  readonly event: FinishEvent;
  readonly now: Date;
}

/**
 * sending[data] → in_doubt, or back to scheduled: it may have been delivered or not, and nobody guesses. The sequence's
 * policy says whether the enrollment goes on (`advance`), the same message is sent again (`resend`), or an operator
 * decides (`hold`). Whichever it is, the doubt is on record. False if the row was no longer this one's.
 */
export async function recordInDoubt(deps: SendDeps, facts: ExecutionFacts, doubt: Doubt): Promise<boolean> {
  const isRecorded = await carryOutPolicy(deps, facts, doubt);
  if (isRecorded) deps.metrics.outcome("in_doubt");
  return isRecorded;
}

async function carryOutPolicy(deps: SendDeps, facts: ExecutionFacts, doubt: Doubt): Promise<boolean> {
  const { executionId, generation, event, now } = doubt;
  const policy = facts.sequence.inDoubtPolicy;
  const execution = { ...doubt, hasAdvanced: facts.execution.hasAdvanced };
  const finish = {
    executionId,
    generation,
    from: "sending",
    to: "in_doubt",
    at: now,
    email: { response: null },
  } as const;

  const decision = decideDoubt(policy, execution, now, deps.pace);
  switch (decision.kind) {
    case "advance":
      return advance(deps, facts, { ...finish, event });
    case "hold": {
      const told = { ...event, message: `${event.message} ${decision.note}`.trim() };
      const { versionId } = facts.enrollment;
      const finished = await statementsOn(deps.db).finish({ ...finish, event: told, versionId, plan: null });
      deps.onCheckpoint("recorded", executionId);
      return finished !== undefined;
    }
    case "resend":
      return sendAgain(deps, doubt, decision.at);
    default:
      return unreachable(decision);
  }
}

async function sendAgain(deps: SendDeps, { executionId, generation, event, now }: Doubt, at: Date): Promise<boolean> {
  const message = `${event.message} The same message is sent again.`;
  const move = { executionId, generation, at, reason: event.reason, message };
  const moved = await resendInDoubt(deps.db, [move], { now, actor: event.actor });
  deps.onCheckpoint("recorded", executionId);
  if (moved.length === 0) return false;
  await wakeAfterCommit(deps.queue, [{ executionId, generation, at }], (err) =>
    deps.log.warn({ err, executionId }, "the timer of the next copy could not be queued; the sweep will find its row"),
  );
  return true;
}
