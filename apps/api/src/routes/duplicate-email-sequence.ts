import { duplicateEmailSequence } from "@dripline/contract/email-sequences";
import { insertEmailSequence } from "@dripline/db/queries/insert-email-sequence";
import { lockSequence } from "@dripline/db/queries/lock-sequence";
import { findEmailSequence } from "@dripline/db/queries/read-email-sequences";
import type { FastifyInstance } from "fastify";
import type { Deps } from "../deps.ts";
import { found, notFound } from "../problem-error.ts";
import { serve } from "../serve.ts";
import { toEmailSequence } from "./email-sequences.ts";
import { stepContent } from "./sequence-steps.ts";

const nameCharactersMax = 200;

export function serveDuplicateEmailSequence(app: FastifyInstance, deps: Deps): void {
  serve(app, deps, duplicateEmailSequence, async ({ tx, params, body, principal, now }) => {
    // Locked, so that what it is set to and its steps are of one moment.
    if ((await lockSequence(tx, params.id)) === undefined) throw notFound("sequence", params.id);
    const original = toEmailSequence(found(await findEmailSequence(tx, params.id)));
    const id = await insertEmailSequence(tx, {
      name: body.name ?? copyOf(original.name),
      description: original.description,
      status: "paused",
      scheduleId: original.schedule,
      inDoubtPolicy: original.in_doubt_policy,
      sendsPerDayMax: original.sends_per_day_max,
      reEnrollment: original.re_enrollment,
      reEnrollmentCooldown: original.re_enrollment_cooldown,
      createdBy: principal.apiKey.user?.id ?? null,
      createdAt: now,
      steps: original.steps.map(({ delay_days: _, ...step }) => ({
        stepNumber: step.step_number,
        ...stepContent(step),
      })),
    });
    return toEmailSequence(found(await findEmailSequence(tx, id)));
  });
}

function copyOf(name: string): string {
  const suffix = " (copy)";
  return `${name.slice(0, nameCharactersMax - suffix.length)}${suffix}`;
}
