import { deferExecutions } from "@dripline/db/defer-executions";
import { deferUnderBackoff } from "@dripline/db/defer-under-backoff";
import { holdExecutions } from "@dripline/db/hold-executions";
import type { ExecutionFacts } from "@dripline/db/load-facts";
import { stopExecutions } from "@dripline/db/stop-executions";
import type { SendDecision } from "@dripline/domain/decide-send";
import { unreachable } from "@dripline/domain/unreachable";
import type { WakeVerdict } from "@dripline/queue/wake-queue";
import { advance } from "./advance.ts";
import type { SendDeps } from "./send-deps.ts";

type NotNow = Exclude<SendDecision, { kind: "deliver" } | { kind: "stale" }>;

/** Carries out every decision that is not "deliver". Each arrow leaves its sentence; a row that moved meanwhile is left alone. */
export async function applyDecision(deps: SendDeps, facts: ExecutionFacts, decision: NotNow): Promise<WakeVerdict> {
  const by = { now: deps.now(), actor: "worker" };
  const row = { executionId: facts.execution.id, generation: facts.execution.generation };

  switch (decision.kind) {
    case "early":
      return { kind: "again", at: afterAPause(deps, decision.at) };
    case "defer": {
      const isBackedOff = decision.reason === "transport_backoff" || decision.reason === "domain_backoff";
      const defer = isBackedOff ? deferUnderBackoff : deferExecutions;
      await defer(deps.db, [{ ...row, ...decision }], by);
      deps.onCheckpoint("decided", row.executionId);
      return { kind: "again", at: decision.at };
    }
    case "hold": {
      const held = await holdExecutions(deps.db, [{ ...row, ...decision }], by);
      if (held.length === 1) deps.metrics.outcome("held");
      deps.onCheckpoint("decided", row.executionId);
      return { kind: "done" };
    }
    case "stop":
      await stopExecutions(deps.db, [{ ...row, ...decision }], by);
      deps.onCheckpoint("decided", row.executionId);
      return { kind: "done" };
    case "skip":
      await advance(deps, facts, {
        ...row,
        from: "scheduled",
        to: "skipped",
        at: by.now,
        email: null,
        event: { reason: decision.reason, message: decision.message, actor: by.actor },
      });
      return { kind: "done" };
    default:
      return unreachable(decision);
  }
}

/** A wake-up that was early comes again after a pause at least, however little is missing. */
const shortestPauseMilliseconds = 250;

function afterAPause(deps: SendDeps, at: Date): Date {
  return new Date(Math.max(at.getTime(), deps.now().getTime() + shortestPauseMilliseconds));
}
