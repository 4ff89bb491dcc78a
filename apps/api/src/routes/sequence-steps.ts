import {
  createSequenceStep,
  delayOf,
  deleteSequenceStep,
  getSequenceStep,
  listSequenceSteps,
  replaceSequenceStep,
  type SequenceStep,
  type SequenceStepInput,
  type SingleStep,
  updateSequenceStep,
} from "@dripline/contract/sequence-steps";
import type { Queryable } from "@dripline/db/database";
import { editableVersion } from "@dripline/db/queries/editable-version";
import { existingIds } from "@dripline/db/queries/existing-ids";
import { insertSequenceStep } from "@dripline/db/queries/insert-sequence-step";
import { bumpRevision, lockSequence, lockSequenceOfStep } from "@dripline/db/queries/lock-sequence";
import * as steps from "@dripline/db/queries/read-sequence-steps";
import * as changing from "@dripline/db/queries/update-sequence-step";
import { delayDays } from "@dripline/domain/delay";
import { unreachable } from "@dripline/domain/unreachable";
import type { FastifyInstance } from "fastify";
import type { z } from "zod";
import { pageBody, pageRequest } from "../cursor.ts";
import type { Deps } from "../deps.ts";
import { refuseOtherRevision } from "../if-match.ts";
import { found, notFound, ProblemError, unknownReferences } from "../problem-error.ts";
import { type Context, serve } from "../serve.ts";

export function serveSequenceSteps(app: FastifyInstance, deps: Deps): void {
  serve(app, deps, listSequenceSteps, async ({ db, query, url }) => {
    const page = await steps.listSequenceSteps(db, query, pageRequest(query));
    return pageBody(page, query, url, toSequenceStep);
  });

  serve(app, deps, getSequenceStep, async ({ db, params }) => {
    const step = await steps.findSequenceStep(db, params.id);
    if (step === undefined) throw notFound("step", params.id);
    return toSingleStep(step);
  });

  serve(app, deps, createSequenceStep, async ({ tx, body, ifMatch, principal, now }) => {
    await refuseUnknownTemplate(tx, body.email_template);
    const sequence = await lockSequence(tx, body.sequence);
    if (sequence === undefined) {
      throw unknownReferences([{ pointer: "/sequence", what: "sequence", id: body.sequence }]);
    }
    refuseOtherRevision(ifMatch, sequence);
    const version = await editableVersion(tx, sequence, { now, createdBy: principal.apiKey.user?.id ?? null });
    const step = { stepNumber: body.step_number, ...stepContent(body) };
    const inserted = await insertSequenceStep(tx, version, step);
    if (inserted.kind === "step_number_taken") throw stepNumberTaken(body.step_number, inserted.existingId);
    await bumpRevision(tx, sequence.id, now);
    return toSingleStep(found(await steps.findSequenceStep(tx, inserted.id)));
  });

  serve(app, deps, replaceSequenceStep, async (context) => {
    const { body, params } = context;
    return edit(context, { stepNumber: body.step_number, ...stepContent(body) }, (sequenceId) => {
      if (body.sequence === sequenceId) return;
      throw new ProblemError("validation_failed", "A step stays in its sequence; add it to the other one instead.", {
        errors: [{ pointer: "/sequence", code: "invalid", detail: `is not the sequence of the step ${params.id}` }],
      });
    });
  });

  serve(app, deps, updateSequenceStep, (context) => edit(context, changesOf(context.body)));

  serve(app, deps, deleteSequenceStep, async ({ tx, params, ifMatch, principal, now }) => {
    const locked = await lockSequenceOfStep(tx, params.id);
    if (locked === undefined) throw notFound("step", params.id);
    const { sequence, stepKey } = locked;
    refuseOtherRevision(ifMatch, sequence);
    const version = await editableVersion(tx, sequence, { now, createdBy: principal.apiKey.user?.id ?? null });
    const deletedId = await changing.deleteSequenceStep(tx, version, stepKey);
    if (deletedId === undefined) throw notInVersion(params.id, version.versionNumber);
    return { id: deletedId, revision: await bumpRevision(tx, sequence.id, now) };
  });
}

type EditContext = Pick<Context<typeof updateSequenceStep>, "tx" | "params" | "ifMatch" | "principal" | "now">;

async function edit(
  { tx, params, ifMatch, principal, now }: EditContext,
  changes: Patch,
  check: (sequenceId: string) => void = () => {},
): Promise<SingleStep> {
  if (changes.templateId !== undefined) await refuseUnknownTemplate(tx, changes.templateId);
  const locked = await lockSequenceOfStep(tx, params.id);
  if (locked === undefined) throw notFound("step", params.id);
  const { sequence, stepKey } = locked;
  check(sequence.id);
  refuseOtherRevision(ifMatch, sequence);
  const version = await editableVersion(tx, sequence, { now, createdBy: principal.apiKey.user?.id ?? null });
  const updated = await changing.updateSequenceStep(tx, version, stepKey, changes, now);
  switch (updated.kind) {
    case "updated":
      await bumpRevision(tx, sequence.id, now);
      return toSingleStep(found(await steps.findSequenceStep(tx, updated.id)));
    case "unknown_step":
      throw notInVersion(params.id, version.versionNumber);
    case "step_number_taken":
      throw stepNumberTaken(changes.stepNumber, updated.existingId);
    default:
      return unreachable(updated);
  }
}

/** What a step is beside its place, from an input that has been checked. */
export function stepContent(step: Omit<z.output<typeof SequenceStepInput>, "sequence" | "step_number">) {
  return {
    name: step.name,
    templateId: step.email_template,
    delay: delayOf(step),
    maxLateness: step.max_lateness,
    latePolicy: step.late_policy,
    isActive: step.is_active,
  };
}

/** A step as the API shows it among others. */
export function toSequenceStep(row: steps.SequenceStepRow): SequenceStep {
  const { revision: _, ...step } = toSingleStep(row);
  return step;
}

function toSingleStep(row: steps.SequenceStepRow): SingleStep {
  const { version_id: _, step_key: _key, delay_value: value, delay_unit: unit, ...rest } = row;
  const delay = { value, unit };
  return { ...rest, delay_days: delayDays(delay), delay };
}

type Patch = Parameters<typeof changing.updateSequenceStep>[3];
type PatchBody = ReturnType<(typeof updateSequenceStep)["body"]["parse"]>;

/** Only what the body names: the rest stays. */
function changesOf(body: PatchBody): Patch {
  return {
    ...(body.step_number === undefined ? {} : { stepNumber: body.step_number }),
    ...(body.name === undefined ? {} : { name: body.name }),
    ...(body.email_template === undefined ? {} : { templateId: body.email_template }),
    ...(body.delay === undefined && body.delay_days === undefined ? {} : { delay: delayOf(body) }),
    ...(body.max_lateness === undefined ? {} : { maxLateness: body.max_lateness }),
    ...(body.late_policy === undefined ? {} : { latePolicy: body.late_policy }),
    ...(body.is_active === undefined ? {} : { isActive: body.is_active }),
  };
}

async function refuseUnknownTemplate(tx: Queryable, templateId: string): Promise<void> {
  if ((await existingIds(tx, "email_template", [templateId])).has(templateId)) return;
  throw unknownReferences([{ pointer: "/email_template", what: "email template", id: templateId }]);
}

function notInVersion(id: string, versionNumber: number): ProblemError {
  return new ProblemError("not_found", `The step ${id} is not in version ${versionNumber}, which is being edited.`);
}

function stepNumberTaken(stepNumber: number | undefined, existingId: string): ProblemError {
  return new ProblemError("step_number_taken", `The sequence has a step ${stepNumber} already.`, {
    errors: [{ pointer: "/step_number", code: "taken", detail: `is the number of the step ${existingId}` }],
    extensions: { existing_id: existingId },
  });
}
