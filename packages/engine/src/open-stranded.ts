import type { MovedBy } from "@dripline/db/arrow";
import type { Queryable } from "@dripline/db/database";
import {
  findStranded,
  openNextSteps,
  type RepairSentences,
  type StrandedEnrollment,
} from "@dripline/db/open-next-steps";
import type { Pace } from "@dripline/domain/delay";
import { planNextStep } from "@dripline/domain/next-step";
import { resolveZone } from "@dripline/domain/time-zone";
import type { PendingWake } from "./wake-after-commit.ts";

export interface OpenedStranded {
  /** Those in which nothing was open. */
  readonly enrollmentIds: readonly string[];
  /** For after the commit. */
  readonly wakes: readonly PendingWake[];
}

/**
 * Lets those of these enrollments go on in which nothing is open: with the step after the last, whose delay counts from
 * now, or, if none is left, by completing them.
 */
export async function openStranded(
  db: Queryable,
  enrollmentIds: readonly string[],
  { now, actor, pace }: MovedBy & { readonly pace: Pace },
  repair: RepairSentences | null = null,
): Promise<OpenedStranded> {
  const stranded = await findStranded(db, enrollmentIds);
  const openings = stranded.map((enrollment) => planOpening(enrollment, now, pace));
  const opened = await openNextSteps(db, openings, { now, actor }, repair);
  return {
    enrollmentIds: stranded.map((each) => each.enrollmentId),
    wakes: opened.map(({ scheduledFor, ...row }) => ({ ...row, at: scheduledFor })),
  };
}

function planOpening(
  { enrollmentId, versionId, reachedStepNumber, laterSteps, schedule, zones }: StrandedEnrollment,
  now: Date,
  pace: Pace,
) {
  const plan = planNextStep({
    steps: laterSteps,
    afterStepNumber: 0, // the later steps are already those that this person has still to get
    from: now,
    enrollmentId,
    schedule,
    zone: resolveZone(schedule, zones),
    pace,
  });
  return { enrollmentId, versionId, reachedStepNumber, plan };
}
