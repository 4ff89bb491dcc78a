import * as operations from "@dripline/contract/operate-execution";
import type { Queryable } from "@dripline/db/database";
import { unreachable } from "@dripline/domain/unreachable";
import { type RescheduleResult, rescheduleExecution, sendExecutionNow } from "@dripline/engine/reschedule-execution";
import { type ActionResult, retryExecution } from "@dripline/engine/retry-execution";
import { skipExecution } from "@dripline/engine/skip-execution";
import { wakeAfterCommit } from "@dripline/engine/wake-after-commit";
import type { FastifyBaseLogger, FastifyInstance } from "fastify";
import type { Deps } from "../deps.ts";
import { found, notFound, ProblemError } from "../problem-error.ts";
import { refuseUnlessWithinTenYears } from "../refuse-unless-within-ten-years.ts";
import { serve } from "../serve.ts";
import { findExecutionWithEvents } from "./sequence-executions.ts";

export function serveOperateExecution(app: FastifyInstance, deps: Deps): void {
  serve(app, deps, operations.retryExecution, async ({ tx, params, body, principal, now, ...context }) => {
    const result = await retryExecution(tx, params.id, { note: body.note, now, actor: principal.id });
    return answer(deps, tx, params.id, result, context);
  });

  serve(app, deps, operations.skipExecution, async ({ tx, params, body, principal, now, ...context }) => {
    const by = { note: body.note, now, actor: principal.id, pace: deps.pace };
    return answer(deps, tx, params.id, await skipExecution(tx, params.id, by), context);
  });

  serve(app, deps, operations.sendExecutionNow, async ({ tx, params, body, principal, now, ...context }) => {
    const result = await sendExecutionNow(tx, params.id, { note: body.note, now, actor: principal.id });
    return answer(deps, tx, params.id, result, context);
  });

  serve(app, deps, operations.rescheduleExecution, async ({ tx, params, body, principal, now, ...context }) => {
    refuseUnlessWithinTenYears("/scheduled_for", body.scheduled_for, now);
    const by = { note: body.note, now, actor: principal.id };
    const result = await rescheduleExecution(tx, params.id, body.scheduled_for, by);
    const execution = await answer(deps, tx, params.id, result, context);
    return { ...execution, deferral: result.kind === "moved" ? result.deferral : null };
  });
}

async function answer(
  deps: Deps,
  tx: Queryable,
  id: string,
  result: ActionResult | RescheduleResult,
  { afterCommit, log }: { afterCommit: (effect: () => Promise<void>) => void; log: FastifyBaseLogger },
) {
  if (result.kind !== "moved") throw problemOf(result);
  afterCommit(() =>
    wakeAfterCommit(deps.queue, result.wakes, (err) =>
      log.warn({ err }, "the queue did not take a wake-up; the sweep will find the row when it is due"),
    ),
  );
  return found(await findExecutionWithEvents(tx, id));
}

function problemOf(why: Exclude<ActionResult | RescheduleResult, { kind: "moved" }>): ProblemError {
  switch (why.kind) {
    case "unknown":
      return notFound("execution", why.executionId);
    case "wrong_status": {
      const { status, holdReason } = why;
      const waits = holdReason === null ? "" : `, held for ${holdReason}`;
      return new ProblemError(
        "execution_status_conflict",
        `The execution is ${status}${waits}; nothing was changed.${nextMove(status, holdReason)}`,
        { extensions: { execution_status: status, ...(holdReason === null ? {} : { hold_reason: holdReason }) } },
      );
    }
    case "enrollment_ended":
      return new ProblemError(
        "enrollment_not_live",
        `The enrollment is ${why.enrollmentStatus}, so nothing of it is sent any more; \`skip/\` closes what is open of it.`,
        { extensions: { enrollment_status: why.enrollmentStatus } },
      );
    case "window_closed": {
      const opensAt = why.opensAt?.toISOString() ?? null;
      return new ProblemError("window_closed", `${why.why} Nothing was changed.`, {
        extensions: { opens_at: opensAt },
      });
    }
    default:
      return unreachable(why);
  }
}

/** Where somebody who meant well goes instead. */
function nextMove(status: string, holdReason: string | null): string {
  if (holdReason === "enrollment_paused") return " Resuming the enrollment releases it.";
  if (holdReason === "sequence_paused") return " Resuming the sequence releases it.";
  if (status === "in_doubt") return " `settle/` decides what became of it.";
  if (status === "failed" || status === "pending") return " `retry/` lets it be tried again.";
  return "";
}
