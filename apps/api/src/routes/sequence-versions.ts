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
import { diffVersions, type StepDifference, type VersionStep } from "@dripline/domain/diff-versions";
import type { FastifyInstance } from "fastify";
import { pageBody, pageRequest } from "../cursor.ts";
import type { Deps } from "../deps.ts";
import { refuseOtherRevision } from "../if-match.ts";
import { notFound, ProblemError, unknownReferences } from "../problem-error.ts";
import { serve } from "../serve.ts";
import { replaceStepsOrRefuse } from "./replace-steps.ts";
import { stepContent, toSequenceStep } from "./sequence-steps.ts";

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
    await replaceStepsOrRefuse(
      tx,
      sequence,
      version,
      body.steps.map((step) => ({ id: step.id, ...stepContent(step) })),
      now,
    );
    await bumpRevision(tx, sequence.id, now);
    return toSequenceDraft(await existingVersion(tx, sequence.id, version.versionNumber));
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

/** The version that is meant. @throws ProblemError `not_found` */
export async function existingVersion(
  db: Queryable,
  sequenceId: string,
  which: VersionReference,
): Promise<versions.SequenceVersionWithSteps> {
  const version = await versions.findSequenceVersion(db, sequenceId, which);
  if (version !== undefined) return version;
  if ((await findEmailSequence(db, sequenceId)) === undefined) throw notFound("sequence", sequenceId);
  throw new ProblemError("not_found", `The sequence has no ${which === "draft" ? "draft" : `version ${which}`}.`);
}

/** A version that is being edited, as the API shows it. */
export function toSequenceDraft(version: versions.SequenceVersionWithSteps): SequenceDraft {
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
