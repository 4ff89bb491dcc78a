import { type Publication, publishSequence } from "@dripline/contract/sequence-versions";
import { patientTransaction } from "@dripline/db/bulk-statement";
import { bumpRevision, lockSequence } from "@dripline/db/queries/lock-sequence";
import type { StepReach, WaitingGroup } from "@dripline/domain/publish-report";
import { unreachable } from "@dripline/domain/unreachable";
import { publishDraft } from "@dripline/engine/publish-draft";
import { wakeManyAfterCommit } from "@dripline/engine/wake-after-commit";
import type { FastifyInstance } from "fastify";
import type { Deps } from "../deps.ts";
import { refuseOtherRevision } from "../if-match.ts";
import { notFound, ProblemError, unknownReferences } from "../problem-error.ts";
import { serve } from "../serve.ts";
import { toDiffedStep } from "./sequence-versions.ts";

export function servePublish(app: FastifyInstance, deps: Deps): void {
  serve(app, deps, publishSequence, async ({ tx, params, body, ifMatch, principal, now, log, afterCommit }) => {
    const sequence = await lockSequence(tx, params.id);
    if (sequence === undefined) throw notFound("sequence", params.id);
    refuseOtherRevision(ifMatch, sequence);
    const { in_flight: inFlight, dry_run: isDryRun } = body;
    const request = { inFlight, isDryRun, now, pace: deps.pace, actor: principal.id };
    const result = await publishDraft(await patientTransaction(tx), sequence, request);
    switch (result.kind) {
      case "published":
        break;
      case "no_draft":
        throw new ProblemError(
          "no_draft",
          inFlight === "pin"
            ? "The sequence has no draft: there is nothing to publish."
            : "The sequence has no draft, and nobody is in another version than the current one: there is nothing to publish, and nobody to take along.",
        );
      case "no_active_step":
        throw new ProblemError(
          "sequence_without_steps",
          "The version has no active step: nobody could be enrolled. Add one, or pause the sequence instead.",
        );
      case "templates_missing":
        throw unknownReferences(
          result.places.map(({ index, templateId }) => ({
            pointer: `/steps/${index}/email_template`,
            what: "email template that can be sent, with the id",
            id: templateId,
          })),
        );
      default:
        return unreachable(result);
    }

    const { versionNumber, people, groups, reaches, wakes } = result.publication;
    const revision = isDryRun ? sequence.revision : await bumpRevision(tx, sequence.id, now);
    afterCommit(() =>
      wakeManyAfterCommit(deps.queue, wakes, (err) =>
        log.warn(
          { err },
          "the queue did not take the timers of a publish; the sweep will find the rows when they are due",
        ),
      ),
    );
    return {
      id: sequence.id,
      version: versionNumber,
      dry_run: isDryRun,
      in_flight: inFlight,
      live_enrollments: people.reduce((sum, each) => sum + each.people, 0),
      versions: people.map((each) => ({ version: each.versionNumber, live_enrollments: each.people })),
      groups: groups.map(toGroup),
      reach: reaches.map(toReach),
      revision,
    };
  });
}

function toGroup({
  fromVersionNumber,
  from,
  to,
  kinds,
  people,
  outcomes,
  message,
}: WaitingGroup): Publication["groups"][number] {
  return {
    from_version: fromVersionNumber,
    from: toDiffedStep(from),
    to: toDiffedStep(to),
    differences: [...kinds],
    people,
    ...outcomes,
    message,
  };
}

function toReach({
  fromVersionNumber,
  to,
  kind,
  stillToGet,
  passedBy,
  message,
}: StepReach): Publication["reach"][number] {
  return {
    from_version: fromVersionNumber,
    to: toDiffedStep(to),
    difference: kind,
    still_to_get: stillToGet,
    passed_by: passedBy,
    message,
  };
}
