import {
  createEmailSequence,
  deleteEmailSequence,
  type EmailSequence,
  type EmailSequenceInput,
  getEmailSequence,
  listEmailSequences,
} from "@dripline/contract/email-sequences";
import type { Queryable } from "@dripline/db/database";
import { deleteSequences } from "@dripline/db/delete-sequences";
import { existingIds } from "@dripline/db/queries/existing-ids";
import { insertEmailSequence } from "@dripline/db/queries/insert-email-sequence";
import { lockSequence } from "@dripline/db/queries/lock-sequence";
import * as sequences from "@dripline/db/queries/read-email-sequences";
import { ensureDefaultSchedule } from "@dripline/engine/default-schedule";
import type { FastifyInstance } from "fastify";
import { pageBody, pageRequest } from "../cursor.ts";
import type { Deps } from "../deps.ts";
import { refuseOtherRevision } from "../if-match.ts";
import { found, inUse, notFound, unknownReferences } from "../problem-error.ts";
import { serve } from "../serve.ts";
import { stepContent, toSequenceStep } from "./sequence-steps.ts";

export function serveEmailSequences(app: FastifyInstance, deps: Deps): void {
  serve(app, deps, listEmailSequences, async ({ db, query, url }) => {
    const page = await sequences.listEmailSequences(db, query, pageRequest(query));
    return pageBody(page, query, url, toEmailSequence);
  });

  serve(app, deps, getEmailSequence, async ({ db, params }) => {
    const sequence = await sequences.findEmailSequence(db, params.id);
    if (sequence === undefined) throw notFound("sequence", params.id);
    return toEmailSequence(sequence);
  });

  serve(app, deps, createEmailSequence, async ({ tx, body, principal, now }) => {
    await refuseUnknownReferences(tx, body);
    const id = await insertEmailSequence(tx, {
      name: body.name,
      description: body.description,
      status: body.status,
      scheduleId: body.schedule ?? (await ensureDefaultSchedule(tx)),
      inDoubtPolicy: body.in_doubt_policy,
      sendsPerDayMax: body.sends_per_day_max,
      reEnrollment: body.re_enrollment,
      reEnrollmentCooldown: body.re_enrollment_cooldown,
      createdBy: principal.apiKey.user?.id ?? null,
      createdAt: now,
      steps: body.steps.map((step) => ({ stepNumber: step.step_number, ...stepContent(step) })),
    });
    return toEmailSequence(found(await sequences.findEmailSequence(tx, id)));
  });

  serve(app, deps, deleteEmailSequence, async ({ tx, params, ifMatch, addToAudit }) => {
    const sequence = await lockSequence(tx, params.id);
    if (sequence === undefined) throw notFound("sequence", params.id);
    refuseOtherRevision(ifMatch, sequence);
    const deleted = await deleteSequences(tx, [sequence.id]);
    if (deleted.length === 0) {
      throw inUse(
        "People are or were enrolled in the sequence, and it is the record of what they got: archive it instead.",
        ["sequence-enrollments"],
      );
    }
    addToAudit({ name: sequence.name });
    return { id: sequence.id };
  });
}

/** Every id in a sequence's input names something. @throws ProblemError `validation_failed` */
export async function refuseUnknownReferences(
  tx: Queryable,
  {
    schedule,
    steps,
  }: Pick<EmailSequenceInput, "schedule"> & {
    readonly steps: readonly { readonly email_template: string }[];
  },
): Promise<void> {
  const schedules = await existingIds(tx, "schedule", schedule === null ? [] : [schedule]);
  const templates = await existingIds(
    tx,
    "email_template",
    steps.map((step) => step.email_template),
  );
  const places = steps.flatMap(({ email_template: id }, index) =>
    templates.has(id) ? [] : [{ pointer: `/steps/${index}/email_template`, what: "email template", id }],
  );
  if (schedule !== null && !schedules.has(schedule)) {
    places.unshift({ pointer: "/schedule", what: "schedule", id: schedule });
  }
  if (places.length > 0) throw unknownReferences(places);
}

/** A sequence as the API shows it. */
export function toEmailSequence(row: sequences.EmailSequenceRow): EmailSequence {
  const { version_id: _, steps, ...rest } = row;
  return { ...rest, steps: steps.map(toSequenceStep), total_steps: steps.length };
}
