import type { Delay } from "@dripline/domain/delay";
import type { Elapsed } from "@dripline/domain/elapsed";
import type { LatePolicy } from "@dripline/domain/statuses";
import { and, eq } from "drizzle-orm";
import { orm, type Queryable } from "../database.ts";
import { newId } from "../new-id.ts";
import { sequenceStep } from "../schema/sequences.ts";

export interface NewStep {
  readonly stepNumber: number;
  readonly name: string;
  readonly templateId: string;
  readonly delay: Delay;
  readonly maxLateness?: Elapsed | null;
  readonly latePolicy?: LatePolicy;
  readonly isActive: boolean;
}

export type InsertStepResult =
  | { readonly kind: "inserted"; readonly id: string }
  | { readonly kind: "unknown_sequence" }
  | { readonly kind: "version_in_use" }
  | { readonly kind: "step_number_taken"; readonly existingId: string };

/** Adds a step to a sequence's current version, as long as nobody is enrolled in it. Call it in a transaction. */
export async function insertSequenceStep(tx: Queryable, sequenceId: string, step: NewStep): Promise<InsertStepResult> {
  // Enrolling takes a key share lock on the version's row (its foreign key): whoever is enrolling now is waited for,
  // and whoever comes after waits until this step is there.
  const { rows } = await tx.query<{ id: string }>(
    `select v.id from sequence_version v
     join email_sequence s on s.id = v.sequence_id and s.current_version_number = v.version_number
     where s.id = $1 for update of v`,
    [sequenceId],
  );
  const versionId = rows[0]?.id;
  if (versionId === undefined) return { kind: "unknown_sequence" };
  const enrolled = await tx.query("select from sequence_enrollment where version_id = $1 limit 1", [versionId]);
  if (enrolled.rowCount !== 0) return { kind: "version_in_use" };

  const inserted = await orm(tx)
    .insert(sequenceStep)
    .values(stepValues(versionId, step))
    .onConflictDoNothing()
    .returning({ id: sequenceStep.id });
  if (inserted[0] !== undefined) return { kind: "inserted", id: inserted[0].id };
  const existing = await orm(tx)
    .select({ id: sequenceStep.id })
    .from(sequenceStep)
    .where(and(eq(sequenceStep.versionId, versionId), eq(sequenceStep.stepNumber, step.stepNumber)));
  return { kind: "step_number_taken", existingId: existing[0]?.id ?? "" };
}

export function stepValues(versionId: string, step: NewStep): typeof sequenceStep.$inferInsert {
  const { delay, ...rest } = step;
  const id = newId();
  return { id, stepKey: id, versionId, ...rest, delayValue: delay.value, delayUnit: delay.unit };
}
