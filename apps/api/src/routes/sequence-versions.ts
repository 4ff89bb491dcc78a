import { delayOf } from "@dripline/contract/sequence-steps";
import {
  diffSequenceVersions,
  discardSequenceDraft,
  getSequenceDraft,
  listSequenceVersions,
  replaceSequenceDraft,
  type SequenceDiff,
  type SequenceDraft,
} from "@dripline/contract/sequence-versions";
import type { Queryable } from "@dripline/db/database";
import { deleteDraft, editableVersion, lockDraft } from "@dripline/db/queries/editable-version";
import { existingIds } from "@dripline/db/queries/existing-ids";
import { bumpRevision, lockSequence } from "@dripline/db/queries/lock-sequence";
import { findEmailSequence } from "@dripline/db/queries/read-email-sequences";
import type { VersionReference } from "@dripline/db/queries/read-sequence-steps";
import * as versions from "@dripline/db/queries/read-sequence-versions";
import { type ListedStep, replaceSteps } from "@dripline/db/queries/replace-steps";
import { diffVersions, type StepDifference, type VersionStep } from "@dripline/domain/diff-versions";
import { unreachable } from "@dripline/domain/unreachable";
import type { FastifyInstance } from "fastify";
import { pageBody, pageRequest } from "../cursor.ts";
import type { Deps } from "../deps.ts";
import { refuseOtherRevision } from "../if-match.ts";
import { notFound, ProblemError, unknownReferences } from "../problem-error.ts";
import { serve } from "../serve.ts";
import { toSequenceStep } from "./sequence-steps.ts";

export function serveSequenceVersions(app: FastifyInstance, deps: Deps): void {
  serve(app, deps, listSequenceVersions, async ({ db, params, query, url }) => {
    if ((await findEmailSequence(db, params.id)) === undefined) throw notFound("sequence", params.id);
    const page = await versions.listSequenceVersions(db, params.id, pageRequest(query));
    return pageBody(page, query, url, ({ id: _, revision: _revision, ...version }) => version);
  });

  serve(app, deps, diffSequenceVersions, async ({ db, params, query }) => {
    const from = await existingVersion(db, params.id, query.from);
    const to = await existingVersion(db, params.id, query.to);
    const differences = diffVersions(from.steps.map(versions.toVersionStep), to.steps.map(versions.toVersionStep));
    return { sequence: params.id, from: from.version, to: to.version, differences: differences.map(toDifference) };
  });

  serve(app, deps, getSequenceDraft, async ({ db, params }) =>
    toSequenceDraft(await existingVersion(db, params.id, "draft")),
  );

  serve(app, deps, replaceSequenceDraft, async ({ tx, params, body, ifMatch, principal, now }) => {
    const templates = await existingIds(
      tx,
      "email_template",
      body.steps.map((step) => step.email_template),
    );
    const strangers = body.steps.flatMap(({ email_template: id }, index) =>
      templates.has(id) ? [] : [{ pointer: `/steps/${index}/email_template`, what: "email template", id }],
    );
    if (strangers.length > 0) throw unknownReferences(strangers);

    const sequence = await lockSequence(tx, params.id);
    if (sequence === undefined) throw notFound("sequence", params.id);
    refuseOtherRevision(ifMatch, sequence);
    const version = await editableVersion(tx, sequence, { now, createdBy: principal.apiKey.user?.id ?? null });
    const list = body.steps.map(
      (step): ListedStep => ({
        id: step.id,
        name: step.name,
        templateId: step.email_template,
        delay: delayOf(step),
        maxLateness: step.max_lateness,
        latePolicy: step.late_policy,
        isActive: step.is_active,
      }),
    );
    const replaced = await replaceSteps(tx, sequence, version, list, now);
    switch (replaced.kind) {
      case "replaced":
        await bumpRevision(tx, sequence.id, now);
        return toSequenceDraft(await existingVersion(tx, sequence.id, version.versionNumber));
      case "unknown_steps":
        throw unknownReferences(
          replaced.indices.map((index) => ({
            pointer: `/steps/${index}/id`,
            what: "step of the draft or the current version",
            id: String(list[index]?.id),
          })),
        );
      case "same_steps":
        throw sameSteps(replaced.indices);
      default:
        return unreachable(replaced);
    }
  });

  serve(app, deps, discardSequenceDraft, async ({ tx, params, ifMatch, now }) => {
    const sequence = await lockSequence(tx, params.id);
    if (sequence === undefined) throw notFound("sequence", params.id);
    refuseOtherRevision(ifMatch, sequence);
    const draft = await lockDraft(tx, sequence.id);
    if (draft === undefined) throw notFound("draft of the sequence", params.id);
    await deleteDraft(tx, draft);
    return { id: sequence.id, revision: await bumpRevision(tx, sequence.id, now) };
  });
}

async function existingVersion(
  db: Queryable,
  sequenceId: string,
  which: VersionReference,
): Promise<versions.SequenceVersionWithSteps> {
  const version = await versions.findSequenceVersion(db, sequenceId, which);
  if (version !== undefined) return version;
  if ((await findEmailSequence(db, sequenceId)) === undefined) throw notFound("sequence", sequenceId);
  throw new ProblemError("not_found", `The sequence has no ${which === "draft" ? "draft" : `version ${which}`}.`);
}

function toSequenceDraft(version: versions.SequenceVersionWithSteps): SequenceDraft {
  const { sequence: id, version: number, is_draft, steps, revision } = version;
  return { id, version: number, is_draft, steps: steps.map(toSequenceStep), total_steps: steps.length, revision };
}

function toDifference({ from, to, ...rest }: StepDifference): SequenceDiff["differences"][number] {
  return { ...rest, changes: [...rest.changes], from: toDiffedStep(from), to: toDiffedStep(to) };
}

/** A step as far as a comparison names it. */
export function toDiffedStep<Step extends VersionStep | null>(step: Step) {
  return (step === null ? null : { id: step.id, step_number: step.stepNumber, name: step.name }) as Step extends null
    ? null
    : { id: string; step_number: number; name: string };
}

function sameSteps(indices: readonly number[]): ProblemError {
  return new ProblemError("validation_failed", "The list has the same step more than once.", {
    errors: indices.map((index) => ({
      pointer: `/steps/${index}/id`,
      code: "duplicate",
      detail: "names a step that stands in the list before",
    })),
  });
}
