import { type ChangedSequences, changeSequences, sequencesMax } from "@dripline/contract/change-sequences";
import { findMatchingSequences } from "@dripline/db/queries/read-email-sequences";
import type { SequenceStatus } from "@dripline/domain/statuses";
import { changeSequences as change, type SequenceChange } from "@dripline/engine/change-sequences";
import { wakeManyAfterCommit } from "@dripline/engine/wake-after-commit";
import type { FastifyInstance } from "fastify";
import type { z } from "zod";
import type { Deps } from "../deps.ts";
import { selectedIds } from "../selected-ids.ts";
import { serve } from "../serve.ts";

const statusAfter = { activate: "active", pause: "paused", archive: "archived" } as const;

export function serveChangeSequences(app: FastifyInstance, deps: Deps): void {
  serve(app, deps, changeSequences, async ({ tx, body, principal, now, log, afterCommit, addToAudit }) => {
    const sequenceIds = await selectedIds(body, sequencesMax, (filter) =>
      findMatchingSequences(tx, filter, sequencesMax),
    );
    const to = statusAfter[body.action];
    const request = { sequenceIds, to, isDryRun: body.dry_run, now, actor: principal.id };
    const { changes, wakes } = await change(tx, request);
    afterCommit(() =>
      wakeManyAfterCommit(deps.queue, wakes, (err) =>
        log.warn({ err }, "the queue did not take all wake-ups; the sweep will find the rows when they are due"),
      ),
    );
    const results = changes.map((each) => toResult(each, to));
    const changed = results.filter(({ outcome }) => outcome === "changed");
    addToAudit({ action: body.action, dry_run: body.dry_run, changed: changed.map(({ id }) => id) });
    return {
      action: body.action,
      dry_run: body.dry_run,
      matched: results.length,
      changed: changed.length,
      results,
    };
  });
}

type Result = z.output<typeof ChangedSequences>["results"][number];

function toResult({ sequenceId: id, status, judgement }: SequenceChange, to: SequenceStatus): Result {
  if (judgement.kind === "moves") {
    return { id, outcome: "changed", status: to, reason: null, message: `${status} before, ${to} now` };
  }
  const { reason, message } = judgement;
  return { id, outcome: "unchanged", status, reason, message };
}
