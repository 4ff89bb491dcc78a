import { and, eq, ne } from "drizzle-orm";
import { orm, type Queryable } from "../database.ts";
import { sequenceStep } from "../schema/sequences.ts";
import type { EditableVersion } from "./editable-version.ts";
import type { NewStep, NumberTaken } from "./insert-sequence-step.ts";

/** Changes the step with this key in a version that may be edited; what `changes` leaves out stays as it is. */
export async function updateSequenceStep(
  tx: Queryable,
  version: EditableVersion,
  stepKey: string,
  { delay, ...changes }: Partial<NewStep>,
  now: Date,
): Promise<{ readonly kind: "updated"; readonly id: string } | { readonly kind: "unknown_step" } | NumberTaken> {
  const ofVersion = eq(sequenceStep.versionId, version.id);
  if (changes.stepNumber !== undefined) {
    // The version is locked, so nobody takes the number between this look and the update.
    const [other] = await orm(tx)
      .select({ id: sequenceStep.id })
      .from(sequenceStep)
      .where(and(ofVersion, eq(sequenceStep.stepNumber, changes.stepNumber), ne(sequenceStep.stepKey, stepKey)));
    if (other !== undefined) return { kind: "step_number_taken", existingId: other.id };
  }
  const [updated] = await orm(tx)
    .update(sequenceStep)
    .set({
      ...changes,
      ...(delay === undefined ? {} : { delayValue: delay.value, delayUnit: delay.unit }),
      updatedAt: now,
    })
    .where(and(ofVersion, eq(sequenceStep.stepKey, stepKey)))
    .returning({ id: sequenceStep.id });
  return updated === undefined ? { kind: "unknown_step" } : { kind: "updated", id: updated.id };
}

/** Takes the step with this key out of a version that may be edited, and answers its id there; undefined if it has none. */
export async function deleteSequenceStep(
  tx: Queryable,
  version: EditableVersion,
  stepKey: string,
): Promise<string | undefined> {
  const [deleted] = await orm(tx)
    .delete(sequenceStep)
    .where(and(eq(sequenceStep.versionId, version.id), eq(sequenceStep.stepKey, stepKey)))
    .returning({ id: sequenceStep.id });
  return deleted?.id;
}
