import * as operations from "@dripline/contract/enrollment-lifecycle";
import type { SequenceEnrollment } from "@dripline/contract/sequence-enrollments";
import type { Queryable } from "@dripline/db/database";
import { findSequenceEnrollment } from "@dripline/db/queries/read-sequence-enrollments";
import { unreachable } from "@dripline/domain/unreachable";
import { completeEnrollment } from "@dripline/engine/complete-enrollment";
import { type LifecycleResult, pauseEnrollment } from "@dripline/engine/pause-enrollment";
import { resumeEnrollment } from "@dripline/engine/resume-enrollments";
import { wakeManyAfterCommit } from "@dripline/engine/wake-after-commit";
import type { FastifyInstance } from "fastify";
import type { Deps } from "../deps.ts";
import { found, notFound, ProblemError } from "../problem-error.ts";
import { refuseUnlessWithinTenYears } from "../refuse-unless-within-ten-years.ts";
import { serve } from "../serve.ts";
import { toSequenceEnrollment } from "./sequence-enrollments.ts";

export function serveEnrollmentLifecycle(app: FastifyInstance, deps: Deps): void {
  serve(app, deps, operations.pauseEnrollment, async ({ tx, params, body, principal, now }) => {
    if (body.until !== null) refuseUntil(body.until, now);
    const request = { enrollmentId: params.id, until: body.until, note: body.reason, actor: principal.id, now };
    return answer(tx, params.id, await pauseEnrollment(tx, request));
  });

  serve(app, deps, operations.resumeEnrollment, async ({ tx, params, body, principal, now, log, afterCommit }) => {
    const request = { note: body.reason, actor: principal.id, now, pace: deps.pace };
    const result = await resumeEnrollment(tx, params.id, request);
    if (result.kind === "done") {
      afterCommit(() =>
        wakeManyAfterCommit(deps.queue, result.wakes, (err) =>
          log.warn({ err }, "the queue did not take a wake-up; the sweep will find the row when it is due"),
        ),
      );
    }
    return answer(tx, params.id, result);
  });

  serve(app, deps, operations.completeEnrollment, async ({ tx, params, body, principal, now }) => {
    const request = { enrollmentId: params.id, note: body.reason, actor: principal.id, now };
    return answer(tx, params.id, await completeEnrollment(tx, request));
  });
}

async function answer(tx: Queryable, id: string, result: LifecycleResult): Promise<SequenceEnrollment> {
  switch (result.kind) {
    case "done":
      return toSequenceEnrollment(found(await findSequenceEnrollment(tx, id)));
    case "unknown":
      throw notFound("enrollment", id);
    case "not_live":
      throw new ProblemError("enrollment_not_live", `The enrollment is ${result.status}; nothing was changed.`, {
        extensions: { enrollment_status: result.status },
      });
    default:
      return unreachable(result);
  }
}

/** @throws ProblemError `validation_failed` if a pause cannot end then */
export function refuseUntil(until: Date, now: Date): void {
  refuseUnlessWithinTenYears("/until", until, now, "leave `until` out if nobody knows when the pause ends");
}
