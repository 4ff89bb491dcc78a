import { createSequenceEnrollment, enroll, type SequenceEnrollment } from "@dripline/contract/sequence-enrollments";
import type { Queryable } from "@dripline/db/database";
import { insertContact } from "@dripline/db/queries/insert-contact";
import { findSequenceEnrollment } from "@dripline/db/queries/read-sequence-enrollments";
import { enrollContact } from "@dripline/engine/enroll";
import { wakeAfterCommit } from "@dripline/engine/wake-after-commit";
import type { FastifyInstance } from "fastify";
import type { z } from "zod";
import type { Deps } from "../deps.ts";
import { found } from "../problem-error.ts";
import { type Context, serve } from "../serve.ts";
import { enrollProblem } from "./enroll-problem.ts";
import { toSequenceEnrollment } from "./sequence-enrollments.ts";

type EnrollBody = z.output<(typeof enroll)["body"]>;

export function serveEnroll(app: FastifyInstance, deps: Deps): void {
  serve(app, deps, enroll, (context) => enrollOne(deps, context, context.body));

  serve(app, deps, createSequenceEnrollment, (context) => {
    const { sequence, sequence_id, contact, contact_id, company, company_id, notes } = context.body;
    return enrollOne(deps, context, {
      sequence_id: sequence ?? sequence_id ?? neverLetThrough(),
      contact_id: typeof contact === "string" ? contact : contact_id,
      contact: typeof contact === "string" ? undefined : contact,
      company_id: company ?? company_id ?? null,
      notes,
    });
  });
}

type EnrollContext = Pick<Context<typeof enroll>, "tx" | "now" | "log" | "afterCommit">;

async function enrollOne(
  deps: Deps,
  { tx, now, log, afterCommit }: EnrollContext,
  body: EnrollBody,
): Promise<SequenceEnrollment> {
  const contactId = await contactIdOf(tx, body);
  const request = { sequenceId: body.sequence_id, contactId, companyId: body.company_id, notes: body.notes };
  const result = await enrollContact(tx, request, { now, pace: deps.pace });
  if (result.kind !== "enrolled") throw enrollProblem(result, request);
  afterCommit(() =>
    wakeAfterCommit(deps.queue, result.wakes, (err) =>
      log.warn(
        { err, executionIds: result.wakes.map(({ executionId }) => executionId) },
        "the queue did not take a wake-up; the sweep will find the row when it is due",
      ),
    ),
  );
  return toSequenceEnrollment(found(await findSequenceEnrollment(tx, result.enrollmentId)));
}

function neverLetThrough(): never {
  throw new Error("the contract lets no request through without a sequence");
}

async function contactIdOf(tx: Queryable, { contact_id: id, contact }: EnrollBody): Promise<string> {
  if (id !== undefined) return id;
  if (contact === undefined) throw new Error("the contract lets no request through without a contact");
  const { first_name: firstName, last_name: lastName, ...rest } = contact;
  return (await insertContact(tx, { ...rest, firstName, lastName })).id;
}
