import {
  getSequenceEnrollment,
  listSequenceEnrollments,
  type SequenceEnrollment,
} from "@dripline/contract/sequence-enrollments";
import * as enrollments from "@dripline/db/queries/read-sequence-enrollments";
import { describeProgress } from "@dripline/domain/progress";
import type { FastifyInstance } from "fastify";
import { pageBody, pageRequest } from "../cursor.ts";
import type { Deps } from "../deps.ts";
import { notFound } from "../problem-error.ts";
import { serve } from "../serve.ts";

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
}

/** An enrollment as the API shows it. */
export function toSequenceEnrollment(row: enrollments.SequenceEnrollmentRow): SequenceEnrollment {
  const { steps_done: stepsDone, steps_total: stepsTotal, ...rest } = row;
  return { ...rest, progress: describeProgress(stepsDone, stepsTotal) };
}
