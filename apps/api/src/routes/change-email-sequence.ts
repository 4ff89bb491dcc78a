import { replaceEmailSequence, updateEmailSequence } from "@dripline/contract/email-sequences";
import { editableVersion } from "@dripline/db/queries/editable-version";
import { bumpRevision, type LockedSequence, lockSequence } from "@dripline/db/queries/lock-sequence";
import { readDailyLimit } from "@dripline/db/queries/read-daily-limit";
import { findEmailSequence } from "@dripline/db/queries/read-email-sequences";
import { findSequenceVersion, toVersionStep } from "@dripline/db/queries/read-sequence-versions";
import type { ListedStep } from "@dripline/db/queries/replace-steps";
import { type SequenceChanges, updateEmailSequence as update } from "@dripline/db/queries/update-email-sequence";
import { fieldChanges, type VersionStep } from "@dripline/domain/diff-versions";
import type { SequenceStatus } from "@dripline/domain/statuses";
import { ensureDefaultSchedule } from "@dripline/engine/default-schedule";
import { relaxDailyLimit } from "@dripline/engine/relax-daily-limit";
import { moveSequence } from "@dripline/engine/sequence-lifecycle";
import { type PendingWake, wakeManyAfterCommit } from "@dripline/engine/wake-after-commit";
import type { FastifyInstance } from "fastify";
import type { Deps } from "../deps.ts";
import { refuseOtherRevision } from "../if-match.ts";
import { found, notFound } from "../problem-error.ts";
import { type Context, serve } from "../serve.ts";
import { refuseUnknownReferences, toEmailSequence } from "./email-sequences.ts";
import { replaceStepsOrRefuse } from "./replace-steps.ts";
import { sequenceArchived } from "./sequence-lifecycle.ts";
import { stepContent } from "./sequence-steps.ts";

export function serveChangeEmailSequence(app: FastifyInstance, deps: Deps): void {
  serve(app, deps, replaceEmailSequence, async (context) => {
    const { tx, body } = context;
    const { status, steps, schedule, ...own } = body;
    await refuseUnknownReferences(tx, { schedule, steps: steps ?? [] });
    const sequence = await lockForEdit(context);
    if (steps !== undefined) {
      const list = steps.map((step) => ({ id: step.id, stepNumber: step.step_number, ...stepContent(step) }));
      await replaceOtherSteps(context, sequence, list);
    }
    const changes = changesOf({ ...own, schedule: schedule ?? (await ensureDefaultSchedule(tx)) });
    return change(context, sequence, { status, changes });
  });

  serve(app, deps, updateEmailSequence, async (context) => {
    const { tx, body } = context;
    if (body.schedule !== undefined) await refuseUnknownReferences(tx, { schedule: body.schedule, steps: [] });
    const sequence = await lockForEdit(context);
    return change(context, sequence, { status: body.status, changes: changesOf(body) });
  });

  async function change(
    { tx, principal, now, log, afterCommit }: EditContext,
    sequence: LockedSequence,
    { status, changes }: { readonly status: SequenceStatus | undefined; readonly changes: SequenceChanges },
  ) {
    const by = { now, actor: principal.id };
    const limitBefore = await readDailyLimit(tx, sequence.id);
    await update(tx, sequence.id, changes);
    await bumpRevision(tx, sequence.id, now);
    const wakes: PendingWake[] = [];
    const { sendsPerDayMax: limit } = changes;
    if (limit !== undefined) {
      wakes.push(...(await relaxDailyLimit(tx, sequence.id, { from: limitBefore, to: limit }, by)));
    }
    if (status !== undefined) {
      const moved = await moveSequence(tx, sequence.id, status, by);
      if (moved.kind === "refused") throw sequenceArchived(moved.status);
      if (moved.kind === "done") wakes.push(...moved.wakes);
    }
    afterCommit(() =>
      wakeManyAfterCommit(deps.queue, wakes, (err) =>
        log.warn({ err }, "the queue did not take all wake-ups; the sweep will find the rows when they are due"),
      ),
    );
    return toEmailSequence(found(await findEmailSequence(tx, sequence.id)));
  }
}

type EditContext = Omit<Context<typeof updateEmailSequence>, "body">;

async function lockForEdit({ tx, params, ifMatch }: EditContext): Promise<LockedSequence> {
  const sequence = await lockSequence(tx, params.id);
  if (sequence === undefined) throw notFound("sequence", params.id);
  refuseOtherRevision(ifMatch, sequence);
  return sequence;
}

/**
 * A caller that read the sequence and sends all of it back has not edited the steps: that opens no draft, and does not
 * take what somebody else is drafting back to what is current.
 */
async function replaceOtherSteps(
  { tx, principal, now }: EditContext,
  sequence: LockedSequence,
  list: readonly (ListedStep & { readonly stepNumber: number })[],
): Promise<void> {
  const current = await findSequenceVersion(tx, sequence.id, "current");
  if (current !== undefined && areTheSame(current.steps.map(toVersionStep), list)) return;
  const version = await editableVersion(tx, sequence, { now, createdBy: principal.apiKey.user?.id ?? null });
  await replaceStepsOrRefuse(tx, sequence, version, list, now);
}

function areTheSame(current: readonly VersionStep[], list: readonly (ListedStep & { readonly stepNumber: number })[]) {
  const byId = new Map(current.map((step) => [step.id, step]));
  return (
    list.length === current.length &&
    list.every(({ id, maxLateness = null, latePolicy = "send", ...step }) => {
      const shown = byId.get(id ?? "");
      if (shown === undefined || shown.stepNumber !== step.stepNumber) return false;
      return fieldChanges(shown, { ...shown, ...step, maxLateness, latePolicy }).length === 0;
    })
  );
}

/** Only what the body names: the rest stays. */
function changesOf(body: Omit<ReturnType<(typeof updateEmailSequence)["body"]["parse"]>, "status">): SequenceChanges {
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
