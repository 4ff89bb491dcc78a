import {
  createEmailSequence,
  type EmailSequence,
  type EmailSequenceInput,
  getEmailSequence,
  listEmailSequences,
  updateEmailSequence,
} from "@dripline/contract/email-sequences";
import { delayOf } from "@dripline/contract/sequence-steps";
import type { Queryable } from "@dripline/db/database";
import { existingIds } from "@dripline/db/queries/existing-ids";
import { insertEmailSequence } from "@dripline/db/queries/insert-email-sequence";
import { bumpRevision, lockSequence } from "@dripline/db/queries/lock-sequence";
import { readDailyLimit } from "@dripline/db/queries/read-daily-limit";
import * as sequences from "@dripline/db/queries/read-email-sequences";
import * as changing from "@dripline/db/queries/update-email-sequence";
import { ensureDefaultSchedule } from "@dripline/engine/default-schedule";
import { relaxDailyLimit } from "@dripline/engine/relax-daily-limit";
import { wakeManyAfterCommit } from "@dripline/engine/wake-after-commit";
import type { FastifyInstance } from "fastify";
import { pageBody, pageRequest } from "../cursor.ts";
import type { Deps } from "../deps.ts";
import { refuseOtherRevision } from "../if-match.ts";
import { found, notFound, unknownReferences } from "../problem-error.ts";
import { serve } from "../serve.ts";
import { toSequenceStep } from "./sequence-steps.ts";

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
      steps: body.steps.map((step) => ({
        stepNumber: step.step_number,
        name: step.name,
        templateId: step.email_template,
        delay: delayOf(step),
        maxLateness: step.max_lateness,
        latePolicy: step.late_policy,
        isActive: step.is_active,
      })),
    });
    return toEmailSequence(found(await sequences.findEmailSequence(tx, id)));
  });

  serve(app, deps, updateEmailSequence, async ({ tx, params, body, ifMatch, principal, now, log, afterCommit }) => {
    if (body.schedule !== undefined) await refuseUnknownReferences(tx, { schedule: body.schedule, steps: [] });
    const sequence = await lockSequence(tx, params.id);
    if (sequence === undefined) throw notFound("sequence", params.id);
    refuseOtherRevision(ifMatch, sequence);
    const limitBefore = await readDailyLimit(tx, sequence.id);
    await changing.updateEmailSequence(tx, sequence.id, changesOf(body));
    await bumpRevision(tx, sequence.id, now);
    if (body.sends_per_day_max !== undefined) {
      const change = { from: limitBefore, to: body.sends_per_day_max };
      const wakes = await relaxDailyLimit(tx, sequence.id, change, { now, actor: principal.id });
      afterCommit(() =>
        wakeManyAfterCommit(deps.queue, wakes, (err) =>
          log.warn({ err }, "the queue did not take all wake-ups; the sweep will find the rows when they are due"),
        ),
      );
    }
    return toEmailSequence(found(await sequences.findEmailSequence(tx, sequence.id)));
  });
}

/** Only what the body names: the rest stays. */
function changesOf(body: ReturnType<(typeof updateEmailSequence)["body"]["parse"]>): changing.SequenceChanges {
  return {
    ...(body.name === undefined ? {} : { name: body.name }),
    ...(body.description === undefined ? {} : { description: body.description }),
    ...(body.schedule === undefined ? {} : { scheduleId: body.schedule }),
    ...(body.in_doubt_policy === undefined ? {} : { inDoubtPolicy: body.in_doubt_policy }),
    ...(body.sends_per_day_max === undefined ? {} : { sendsPerDayMax: body.sends_per_day_max }),
    ...(body.re_enrollment === undefined ? {} : { reEnrollment: body.re_enrollment }),
    ...(body.re_enrollment_cooldown === undefined ? {} : { reEnrollmentCooldown: body.re_enrollment_cooldown }),
  };
}

async function refuseUnknownReferences(
  tx: Queryable,
  { schedule, steps }: Pick<EmailSequenceInput, "schedule" | "steps">,
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
