import type { Delay } from "@dripline/domain/delay";
import type { Elapsed } from "@dripline/domain/elapsed";
import type { LatePolicy } from "@dripline/domain/statuses";
import { and, eq } from "drizzle-orm";
import { orm, type Queryable } from "../database.ts";
import { newId } from "../new-id.ts";
import { sequenceStep } from "../schema/sequences.ts";
import type { EditableVersion } from "./editable-version.ts";

export interface NewStep {
  readonly stepNumber: number;
  readonly name: string;
  readonly templateId: string;
  readonly delay: Delay;
  readonly maxLateness?: Elapsed | null;
  readonly latePolicy?: LatePolicy;
  readonly isActive: boolean;
}

export interface NumberTaken {
  readonly kind: "step_number_taken";
  readonly existingId: string;
}

/** Adds a step to a version that may be edited. */
export async function insertSequenceStep(
  tx: Queryable,
  version: EditableVersion,
  step: NewStep,
): Promise<{ readonly kind: "inserted"; readonly id: string } | NumberTaken> {
  const inserted = await orm(tx)
    .insert(sequenceStep)
    .values(stepValues(version.id, step))
    .onConflictDoNothing()
    .returning({ id: sequenceStep.id });
  if (inserted[0] !== undefined) return { kind: "inserted", id: inserted[0].id };
  const existing = await orm(tx)
    .select({ id: sequenceStep.id })
    .from(sequenceStep)
    .where(and(eq(sequenceStep.versionId, version.id), eq(sequenceStep.stepNumber, step.stepNumber)));
  return { kind: "step_number_taken", existingId: existing[0]?.id ?? "" };
}

/** A step that is new: its key is its own id. */
export function stepValues(versionId: string, step: NewStep): typeof sequenceStep.$inferInsert {
  const { delay, ...rest } = step;
  const id = newId();
  return { id, stepKey: id, versionId, ...rest, delayValue: delay.value, delayUnit: delay.unit };
}
