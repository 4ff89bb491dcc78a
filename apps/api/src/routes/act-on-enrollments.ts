import { actOnEnrollments, enrollmentsMax } from "@dripline/contract/act-on-enrollments";
import { findMatchingEnrollments } from "@dripline/db/queries/read-sequence-enrollments";
import { unreachable } from "@dripline/domain/unreachable";
import { actOnEnrollments as act, type EnrollmentActionRequest } from "@dripline/engine/act-on-enrollments";
import { wakeManyAfterCommit } from "@dripline/engine/wake-after-commit";
import type { FastifyInstance } from "fastify";
import type { z } from "zod";
import type { Deps } from "../deps.ts";
import { selectedIds } from "../selected-ids.ts";
import { serve } from "../serve.ts";
import { refuseUntil } from "./enrollment-lifecycle.ts";

export function serveActOnEnrollments(app: FastifyInstance, deps: Deps): void {
  serve(app, deps, actOnEnrollments, async ({ tx, body, principal, now, log, afterCommit, addToAudit }) => {
    if (body.until !== null) refuseUntil(body.until, now);
    const enrollmentIds = await selectedIds(body, enrollmentsMax, (filter) =>
      findMatchingEnrollments(tx, filter, enrollmentsMax),
    );
    const { changed, unchanged, wakes } = await act(tx, {
      enrollmentIds,
      action: toRequest(body),
      note: body.reason,
      actor: principal.id,
      now,
      pace: deps.pace,
      isDryRun: body.dry_run,
    });
    afterCommit(() =>
      wakeManyAfterCommit(deps.queue, wakes, (err) =>
        log.warn({ err }, "the queue did not take all wake-ups; the sweep will find the rows when they are due"),
      ),
    );
    // Which ones it was stands in the notes of each: ten thousand ids would make the audit log unreadable.
    addToAudit({ action: body.action, dry_run: body.dry_run, filter: body.filter ?? null, changed });
    return {
      action: body.action,
      dry_run: body.dry_run,
      matched: enrollmentIds.length,
      changed,
      unchanged: unchanged.map(({ enrollmentId: id, ...why }) => ({ id, ...why })),
    };
  });
}

function toRequest({ action, until, status }: z.output<(typeof actOnEnrollments)["body"]>): EnrollmentActionRequest {
  switch (action) {
    case "pause":
      return { kind: action, until };
    case "unenroll":
      return { kind: action, to: status ?? "cancelled" };
    case "resume":
    case "complete":
      return { kind: action };
    default:
      return unreachable(action);
  }
}
