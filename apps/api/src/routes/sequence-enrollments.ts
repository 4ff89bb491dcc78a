import {
  deleteSequenceEnrollment,
  getSequenceEnrollment,
  listSequenceEnrollments,
  replaceSequenceEnrollment,
  type SequenceEnrollment,
  updateSequenceEnrollment,
} from "@dripline/contract/sequence-enrollments";
import { deleteEnrollments, whatKeepsEnrollment } from "@dripline/db/delete-enrollments";
import { existingIds } from "@dripline/db/queries/existing-ids";
import * as enrollments from "@dripline/db/queries/read-sequence-enrollments";
import * as writing from "@dripline/db/queries/update-sequence-enrollment";
import { describeProgress } from "@dripline/domain/progress";
import type { FastifyInstance } from "fastify";
import { pageBody, pageRequest } from "../cursor.ts";
import type { Deps } from "../deps.ts";
import { found, notFound, ProblemError, unknownReferences } from "../problem-error.ts";
import { type Context, serve } from "../serve.ts";
import { takeForEdit } from "../take-for-edit.ts";

export function serveSequenceEnrollments(app: FastifyInstance, deps: Deps): void {
  serve(app, deps, listSequenceEnrollments, async ({ db, query, url }) => {
    const page = await enrollments.listSequenceEnrollments(db, query, pageRequest(query));
    return pageBody(page, query, url, toSequenceEnrollment);
  });

  serve(app, deps, getSequenceEnrollment, async ({ db, params }) => {
    const enrollment = await enrollments.findSequenceEnrollment(db, params.id);
    if (enrollment === undefined) throw notFound("enrollment", params.id);
    return toSequenceEnrollment(enrollment);
  });

  serve(app, deps, replaceSequenceEnrollment, (context) => edit(context, context.body));
  serve(app, deps, updateSequenceEnrollment, (context) => edit(context, context.body));

  serve(app, deps, deleteSequenceEnrollment, async ({ tx, params, ifMatch, addToAudit }) => {
    await takeForEdit(tx, "sequence_enrollment", params.id, ifMatch);
    const { contact, sequence, status } = found(await enrollments.findSequenceEnrollment(tx, params.id));
    const deleted = await deleteEnrollments(tx, [params.id]);
    if (deleted.length === 0) throw enrollmentLive(found(await whatKeepsEnrollment(tx, params.id)));
    addToAudit({ contact, sequence, status }); // without this nobody could tell who had been in what
    return { id: params.id };
  });
}

type EditContext = Pick<Context<typeof updateSequenceEnrollment>, "tx" | "params" | "ifMatch" | "now">;

async function edit(
  { tx, params, ifMatch, now }: EditContext,
  { notes, company }: { readonly notes?: string | undefined; readonly company?: string | null | undefined },
): Promise<SequenceEnrollment> {
  if (typeof company === "string" && !(await existingIds(tx, "company", [company])).has(company)) {
    throw unknownReferences([{ pointer: "/company", what: "company", id: company }]);
  }
  const enrollment = await takeForEdit(tx, "sequence_enrollment", params.id, ifMatch);
  const changes = {
    ...(notes === undefined ? {} : { notes }),
    ...(company === undefined ? {} : { companyId: company }),
  };
  await writing.updateSequenceEnrollment(tx, enrollment, changes, now);
  return toSequenceEnrollment(found(await enrollments.findSequenceEnrollment(tx, params.id)));
}

function enrollmentLive({ status, openExecutionIds }: NonNullable<Awaited<ReturnType<typeof whatKeepsEnrollment>>>) {
  const isLive = status === "active" || status === "paused";
  const detail = isLive
    ? `The enrollment is ${status}: unenroll the contact, then delete it.`
    : `The enrollment is ${status}, but an email of it can still go out or is in doubt: wait for it, or settle it.`;
  const extensions = { enrollment_status: status, open_executions: openExecutionIds };
  return new ProblemError("enrollment_live", detail, { extensions });
}

/** An enrollment as the API shows it. */
export function toSequenceEnrollment(row: enrollments.SequenceEnrollmentRow): SequenceEnrollment {
  const { steps_done: stepsDone, steps_total: stepsTotal, ...rest } = row;
  return { ...rest, progress: describeProgress(stepsDone, stepsTotal) };
}
