import { reorderSequenceSteps } from "@dripline/contract/reorder-steps";
import { editableVersion } from "@dripline/db/queries/editable-version";
import { bumpRevision, lockSequence } from "@dripline/db/queries/lock-sequence";
import { reorderSteps } from "@dripline/db/queries/reorder-steps";
import { unreachable } from "@dripline/domain/unreachable";
import type { FastifyInstance } from "fastify";
import type { Deps } from "../deps.ts";
import { refuseOtherRevision } from "../if-match.ts";
import { ProblemError, unknownReferences } from "../problem-error.ts";
import { serve } from "../serve.ts";
import { sameSteps } from "./replace-steps.ts";
import { existingVersion, toSequenceDraft } from "./sequence-versions.ts";

export function serveReorderSteps(app: FastifyInstance, deps: Deps): void {
  serve(app, deps, reorderSequenceSteps, async ({ tx, body, ifMatch, principal, now }) => {
    const sequence = await lockSequence(tx, body.sequence);
    if (sequence === undefined) {
      throw unknownReferences([{ pointer: "/sequence", what: "sequence", id: body.sequence }]);
    }
    refuseOtherRevision(ifMatch, sequence);
    const version = await editableVersion(tx, sequence, { now, createdBy: principal.apiKey.user?.id ?? null });
    const reordered = await reorderSteps(tx, version, body.steps, now);
    switch (reordered.kind) {
      case "reordered":
        break;
      case "unknown_steps":
        throw unknownReferences(
          reordered.indices.map((index) => ({
            pointer: `/steps/${index}`,
            what: `step of version ${version.versionNumber}, which is being edited,`,
            id: String(body.steps[index]),
          })),
        );
      case "same_steps":
        throw sameSteps(reordered.indices.map((index) => `/steps/${index}`));
      case "missing_steps":
        throw new ProblemError("validation_failed", "The list leaves steps out; name all of them, in the new order.", {
          errors: reordered.ids.map((id) => ({
            pointer: "/steps",
            code: "required",
            detail: `lacks the step ${id} of version ${version.versionNumber}, which is being edited`,
          })),
        });
      default:
        return unreachable(reordered);
    }
    await bumpRevision(tx, sequence.id, now);
    return toSequenceDraft(await existingVersion(tx, sequence.id, version.versionNumber));
  });
}
