import { unenroll as operation } from "@dripline/contract/sequence-enrollments";
import { findSequenceEnrollment } from "@dripline/db/queries/read-sequence-enrollments";
import { unreachable } from "@dripline/domain/unreachable";
import { unenroll } from "@dripline/engine/unenroll";
import type { FastifyInstance } from "fastify";
import type { Deps } from "../deps.ts";
import { found, notFound, ProblemError } from "../problem-error.ts";
import { serve } from "../serve.ts";
import { toSequenceEnrollment } from "./sequence-enrollments.ts";

export function serveUnenroll(app: FastifyInstance, deps: Deps): void {
  serve(app, deps, operation, async ({ tx, params, body, principal, now }) => {
    const result = await unenroll(tx, {
      enrollmentId: params.id,
      to: body.status,
      note: body.reason,
      actor: principal.id,
      now,
    });
    switch (result.kind) {
      case "unenrolled":
        return toSequenceEnrollment(found(await findSequenceEnrollment(tx, params.id)));
      case "unknown":
        throw notFound("enrollment", params.id);
      case "not_live":
        throw new ProblemError("enrollment_not_live", `The enrollment is ${result.status}; nothing was changed.`, {
          extensions: { enrollment_status: result.status },
        });
      default:
        return unreachable(result);
    }
  });
}
