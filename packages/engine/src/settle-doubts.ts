import type { Queryable } from "@dripline/db/database";
import { findDoubts, type OpenDoubt } from "@dripline/db/find-doubts";
import { finishExecutions } from "@dripline/db/finish-executions";
import { type ExecutionFacts, loadFacts } from "@dripline/db/load-facts";
import { sendDoubtsAgain } from "@dripline/db/send-doubts-again";
import type { Pace } from "@dripline/domain/delay";
import { planAfter } from "./plan-after.ts";
import type { PendingWake } from "./wake-after-commit.ts";

export interface SettleDoubts {
  /** Of these, or of so many, the oldest first. */
  readonly which: { readonly executionIds: readonly string[] } | { readonly limit: number };
  /** `sent`: it arrived, as somebody found out. `resend`: it did not, or a second copy does no harm. */
  readonly as: "sent" | "resend";
  /** Why, for the record. */
  readonly note: string;
  readonly now: Date;
  readonly actor: string;
  readonly pace: Pace;
}

export interface Settled {
  readonly executionIds: readonly string[];
  /** Timers to set after the commit: of the copies, or of the next steps. */
  readonly wakes: readonly PendingWake[];
}

/**
 * An operator knows, or decides, what became of emails in doubt. `sent` closes them as of the moment they were handed
 * over, and an enrollment that waited for it goes on from there; `resend` sends the same message again. Answers which
 * were settled; the rest is not in doubt (any more), or, for `resend`, of an enrollment that was cancelled or
 * unsubscribed. Call it in a transaction and set the timers after its commit.
 */
export async function settleDoubts(tx: Queryable, settle: SettleDoubts): Promise<Settled> {
  const doubts = await findDoubts(tx, settle.which);
  if (settle.as === "resend") {
    const revived = await sendDoubtsAgain(tx, doubts, settle);
    return {
      executionIds: revived.map(({ executionId }) => executionId),
      wakes: revived.map(({ executionId, generation, scheduledFor }) => ({
        executionId,
        generation,
        at: scheduledFor,
      })),
    };
  }
  const byId = new Map(doubts.map((doubt) => [doubt.executionId, doubt]));
  const facts = await loadFacts(tx, [...byId.keys()]);
  const finished = await finishExecutions(
    tx,
    facts.flatMap((one) => {
      const doubt = byId.get(one.execution.id);
      return doubt === undefined ? [] : [asSent(one, doubt, settle)];
    }),
  );
  return {
    executionIds: finished.map(({ executionId }) => executionId),
    wakes: finished.flatMap(({ next }) => (next === null ? [] : [{ ...next, at: next.scheduledFor }])),
  };
}

function asSent(facts: ExecutionFacts, doubt: OpenDoubt, { note, now, actor, pace }: SettleDoubts) {
  const at = doubt.handedOverAt ?? now;
  const message = `An operator found that it was delivered.${note === "" ? "" : ` ${note}`}`;
  return {
    executionId: doubt.executionId,
    generation: doubt.generation,
    from: "in_doubt",
    to: "sent",
    at,
    email: null,
    event: { reason: "settled_sent", message, actor, at: now },
    versionId: facts.enrollment.versionId,
    plan: planAfter(facts, at, pace),
  } as const;
}
