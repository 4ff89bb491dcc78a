import { createSequenceEnrollment, enroll } from "@dripline/contract/sequence-enrollments";
import type { Queryable } from "@dripline/db/database";
import { insertContact } from "@dripline/db/queries/insert-contact";
import { findSequenceEnrollment } from "@dripline/db/queries/read-sequence-enrollments";
import { unreachable } from "@dripline/domain/unreachable";
import { enrollContact } from "@dripline/engine/enroll";
import { wakeAfterCommit } from "@dripline/engine/wake-after-commit";
import type { FastifyInstance } from "fastify";
import type { z } from "zod";
import type { Deps } from "../deps.ts";
import { found, ProblemError, unknownReferences } from "../problem-error.ts";
import { type Context, serve } from "../serve.ts";
import { toSequenceEnrollment } from "./sequence-enrollments.ts";

type EnrollBody = z.output<(typeof enroll)["body"]>;

export function serveEnroll(app: FastifyInstance, deps: Deps): void {
  // The second one is its address in the earlier service.
  for (const operation of [enroll, createSequenceEnrollment]) {
    serve(app, deps, operation, async ({ tx, body, now, log, afterCommit }: Context<typeof operation>) => {
      const contactId = await contactIdOf(tx, body);
      const request = { sequenceId: body.sequence_id, contactId, companyId: body.company_id, notes: body.notes };
      const result = await enrollContact(tx, request, { now, pace: deps.pace });
      switch (result.kind) {
        case "enrolled":
          afterCommit(() =>
            wakeAfterCommit(deps.queue, result.wakes, (err) =>
              log.warn({ err }, "the queue did not take a wake-up; the sweep will find the row when it is due"),
            ),
          );
          return toSequenceEnrollment(found(await findSequenceEnrollment(tx, result.enrollmentId)));
        case "already_enrolled":
          throw new ProblemError(
            "already_enrolled",
            `The contact was enrolled in this sequence before; the enrollment is ${result.status}.`,
            { extensions: { enrollment_id: result.enrollmentId, enrollment_status: result.status } },
          );
        case "too_soon":
          throw new ProblemError(
            "re_enrollment_too_soon",
            `The contact's last enrollment ended too recently: enroll them again from ${result.availableAt.toISOString()} on.`,
            { extensions: { enrollment_id: result.enrollmentId, available_at: result.availableAt.toISOString() } },
          );
        case "refused":
          throw new ProblemError(result.code, result.message);
        case "unknown":
          throw unknownReferences([{ ...placeOf(result.what, request), what: result.what }]);
        default:
          return unreachable(result);
      }
    });
  }
}

async function contactIdOf(tx: Queryable, { contact_id: id, contact }: EnrollBody): Promise<string> {
  if (id !== undefined) return id;
  if (contact === undefined) throw new Error("the contract lets no request through without a contact");
  const { first_name: firstName, last_name: lastName, ...rest } = contact;
  return (await insertContact(tx, { ...rest, firstName, lastName })).id;
}

function placeOf(
  what: "sequence" | "contact" | "company",
  request: { sequenceId: string; contactId: string; companyId: string | null },
): { pointer: string; id: string } {
  switch (what) {
    case "sequence":
      return { pointer: "/sequence_id", id: request.sequenceId };
    case "contact":
      return { pointer: "/contact_id", id: request.contactId };
    case "company":
      return { pointer: "/company_id", id: String(request.companyId) };
    default:
      return unreachable(what);
  }
}
