import * as operations from "@dripline/contract/sequence-lifecycle";
import { findEmailSequence } from "@dripline/db/queries/read-email-sequences";
import type { SequenceStatus } from "@dripline/domain/statuses";
import { unreachable } from "@dripline/domain/unreachable";
import { archiveSequence, pauseSequence, resumeSequence } from "@dripline/engine/sequence-lifecycle";
import { wakeManyAfterCommit } from "@dripline/engine/wake-after-commit";
import type { FastifyInstance } from "fastify";
import type { Deps } from "../deps.ts";
import { found, notFound, ProblemError } from "../problem-error.ts";
import { type Context, serve } from "../serve.ts";
import { toEmailSequence } from "./email-sequences.ts";

const changes = [
  [operations.pauseSequence, pauseSequence],
  [operations.resumeSequence, resumeSequence],
  [operations.archiveSequence, archiveSequence],
] as const;

export function serveSequenceLifecycle(app: FastifyInstance, deps: Deps): void {
  for (const [operation, change] of changes) {
    serve(app, deps, operation, async ({ tx, params, principal, now, log, afterCommit }: Context<typeof operation>) => {
      const result = await change(tx, params.id, { now, actor: principal.id });
      switch (result.kind) {
        case "done":
          afterCommit(() =>
            wakeManyAfterCommit(deps.queue, result.wakes, (err) =>
              log.warn({ err }, "the queue did not take all wake-ups; the sweep will find the rows when they are due"),
            ),
          );
          return toEmailSequence(found(await findEmailSequence(tx, params.id)));
        case "unknown":
          throw notFound("sequence", params.id);
        case "refused":
          throw sequenceArchived(result.status);
        default:
          return unreachable(result);
      }
    });
  }
}

/** Archiving cannot be followed by a pause. */
export function sequenceArchived(status: SequenceStatus): ProblemError {
  return new ProblemError("sequence_archived", "The sequence is archived: resume it before pausing it.", {
    extensions: { sequence_status: status },
  });
}
