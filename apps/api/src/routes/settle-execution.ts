import { settleExecution } from "@dripline/contract/settle-execution";
import { unreachable } from "@dripline/domain/unreachable";
import { explainUnsettled, type Unsettled } from "@dripline/engine/explain-unsettled";
import { settleDoubts } from "@dripline/engine/settle-doubts";
import { wakeAfterCommit } from "@dripline/engine/wake-after-commit";
import type { FastifyInstance } from "fastify";
import type { Deps } from "../deps.ts";
import { found, notFound, ProblemError } from "../problem-error.ts";
import { serve } from "../serve.ts";
import { findExecutionWithEvents } from "./sequence-executions.ts";

export function serveSettleExecution(app: FastifyInstance, deps: Deps): void {
  serve(app, deps, settleExecution, async ({ tx, params, body, principal, now, log, afterCommit }) => {
    const which = { executionIds: [params.id] };
    const settled = await settleDoubts(tx, { ...body, which, now, actor: principal.id, pace: deps.pace });
    if (settled.executionIds.length === 0) {
      const [why] = await explainUnsettled(tx, which.executionIds, body.as);
      throw why === undefined ? notFound("execution", params.id) : problemOf(why);
    }
    afterCommit(() =>
      wakeAfterCommit(deps.queue, settled.wakes, (err) =>
        log.warn({ err }, "the queue did not take a wake-up; the sweep will find the row when it is due"),
      ),
    );
    return found(await findExecutionWithEvents(tx, params.id));
  });
}

function problemOf(why: Unsettled): ProblemError {
  switch (why.kind) {
    case "unknown":
      return notFound("execution", why.executionId);
    case "not_in_doubt":
      return new ProblemError("execution_not_in_doubt", `The execution is ${why.status}; nothing was changed.`, {
        extensions: { execution_status: why.status },
      });
    case "enrollment_ended":
      return new ProblemError(
        "enrollment_not_live",
        `The enrollment is ${why.enrollmentStatus}, so the email is not sent again; settle it as \`sent\` to close it.`,
        { extensions: { enrollment_status: why.enrollmentStatus } },
      );
    case "changed_meanwhile":
      return new ProblemError("sequence_changed", "The sequence was published at the same moment; send this again.");
    default:
      return unreachable(why);
  }
}
