import type { Elapsed } from "@dripline/domain/elapsed";
import type { InDoubtPolicy, ReEnrollment, SequenceStatus } from "@dripline/domain/statuses";
import { orm, type Queryable } from "../database.ts";
import { newId } from "../new-id.ts";
import { emailSequence, sequenceStep, sequenceVersion } from "../schema/sequences.ts";
import { type NewStep, stepValues } from "./insert-sequence-step.ts";

export interface NewEmailSequence {
  readonly name: string;
  readonly description: string;
  readonly status: SequenceStatus;
  readonly scheduleId: string;
  readonly inDoubtPolicy: InDoubtPolicy;
  readonly sendsPerDayMax?: number | null;
  readonly reEnrollment?: ReEnrollment;
  readonly reEnrollmentCooldown?: Elapsed | null;
  readonly createdBy: string | null;
  readonly createdAt: Date;
  readonly steps: readonly NewStep[];
}

/** Writes a sequence, its version 1 and that version's steps, and answers its id; call it in a transaction. */
export async function insertEmailSequence(
  tx: Queryable,
  { steps, createdAt, ...values }: NewEmailSequence,
): Promise<string> {
  const id = newId();
  const versionId = newId();
  await orm(tx)
    .insert(emailSequence)
    .values({ id, ...values, pausedAt: values.status === "paused" ? createdAt : null });
  await orm(tx).insert(sequenceVersion).values({
    id: versionId,
    sequenceId: id,
    versionNumber: 1,
    publishedAt: createdAt,
    createdBy: values.createdBy,
  });
  if (steps.length > 0) {
    await orm(tx)
      .insert(sequenceStep)
      .values(steps.map((step) => stepValues(versionId, step)));
  }
  return id;
}
