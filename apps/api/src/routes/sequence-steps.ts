import {
  createSequenceStep,
  delayOf,
  getSequenceStep,
  listSequenceSteps,
  type SequenceStep,
} from "@dripline/contract/sequence-steps";
import { existingIds } from "@dripline/db/queries/existing-ids";
import { insertSequenceStep } from "@dripline/db/queries/insert-sequence-step";
import * as steps from "@dripline/db/queries/read-sequence-steps";
import { delayDays } from "@dripline/domain/delay";
import { unreachable } from "@dripline/domain/unreachable";
import type { FastifyInstance } from "fastify";
import { pageBody, pageRequest } from "../cursor.ts";
import type { Deps } from "../deps.ts";
import { found, notFound, ProblemError, unknownReferences } from "../problem-error.ts";
import { serve } from "../serve.ts";

export function serveSequenceSteps(app: FastifyInstance, deps: Deps): void {
  serve(app, deps, listSequenceSteps, async ({ db, query, url }) => {
    const page = await steps.listSequenceSteps(db, query, pageRequest(query));
    return pageBody(page, query, url, toSequenceStep);
  });

  serve(app, deps, getSequenceStep, async ({ db, params }) => {
    const step = await steps.findSequenceStep(db, params.id);
    if (step === undefined) throw notFound("step", params.id);
    return toSequenceStep(step);
  });

  serve(app, deps, createSequenceStep, async ({ tx, body }) => {
    const templateId = body.email_template;
    if (!(await existingIds(tx, "email_template", [templateId])).has(templateId)) {
      throw unknownReferences([{ pointer: "/email_template", what: "email template", id: templateId }]);
    }
    const inserted = await insertSequenceStep(tx, body.sequence, {
      stepNumber: body.step_number,
      name: body.name,
      templateId,
      delay: delayOf(body),
      maxLateness: body.max_lateness,
      latePolicy: body.late_policy,
      isActive: body.is_active,
    });
    switch (inserted.kind) {
      case "inserted":
        return toSequenceStep(found(await steps.findSequenceStep(tx, inserted.id)));
      case "unknown_sequence":
        throw unknownReferences([{ pointer: "/sequence", what: "sequence", id: body.sequence }]);
      case "version_in_use":
        throw new ProblemError(
          "version_in_use",
          "Somebody is enrolled in this sequence, so its steps stay as they are for them. Create another sequence with the steps you want and enroll new contacts there.",
        );
      case "step_number_taken":
        throw new ProblemError("step_number_taken", `The sequence has a step ${body.step_number} already.`, {
          errors: [
            { pointer: "/step_number", code: "taken", detail: `is the number of the step ${inserted.existingId}` },
          ],
          extensions: { existing_id: inserted.existingId },
        });
      default:
        return unreachable(inserted);
    }
  });
}

/** A step as the API shows it. */
export function toSequenceStep(row: steps.SequenceStepRow): SequenceStep {
  const { version_id: _, step_key: _key, delay_value: value, delay_unit: unit, ...rest } = row;
  const delay = { value, unit };
  return { ...rest, delay_days: delayDays(delay), delay };
}
