import { and, eq, inArray } from "drizzle-orm";
import { orm, type Queryable } from "../database.ts";
import { newId } from "../new-id.ts";
import { sequenceStep, sequenceVersion } from "../schema/sequences.ts";
import type { EditableVersion } from "./editable-version.ts";
import type { NewStep } from "./insert-sequence-step.ts";
import type { LockedSequence } from "./lock-sequence.ts";

export interface ListedStep extends Omit<NewStep, "stepNumber"> {
  /** Of a step in the draft or the current version: this is the same step. Undefined: a new one. */
  readonly id: string | undefined;
  /** Left out: its place in the list, from 1. */
  readonly stepNumber?: number;
}

export type ReplaceStepsResult =
  | { readonly kind: "replaced" }
  /** Indices into the list whose ids name no step of the draft or the current version. */
  | { readonly kind: "unknown_steps"; readonly indices: readonly number[] }
  /** Indices into the list of steps that stand in it before. */
  | { readonly kind: "same_steps"; readonly indices: readonly number[] };

/** Makes `list` the steps of a version that may be edited, numbered from 1 in its order where no number is given. */
export async function replaceSteps(
  tx: Queryable,
  sequence: LockedSequence,
  version: EditableVersion,
  list: readonly ListedStep[],
  now: Date,
): Promise<ReplaceStepsResult> {
  const known = await knownSteps(tx, sequence, version);
  const keys = list.map(({ id }) => (id === undefined ? null : known.keys.get(id)));
  const unknown = indicesWhere(keys, (key) => key === undefined);
  if (unknown.length > 0) return { kind: "unknown_steps", indices: unknown };
  const repeated = indicesWhere(keys, (key, index) => key !== null && keys.indexOf(key) < index);
  if (repeated.length > 0) return { kind: "same_steps", indices: repeated };

  // Nothing refers to the steps of a version that may be edited: all of them go and come again, under the ids they had.
  await orm(tx).delete(sequenceStep).where(eq(sequenceStep.versionId, version.id));
  const rows = list.map(({ id: _, delay, ...step }, index) => {
    const key = keys[index] ?? null;
    const existing = key === null ? undefined : known.ofVersion.get(key);
    const id = existing?.id ?? newId();
    return {
      ...step,
      id,
      stepKey: key ?? id,
      versionId: version.id,
      stepNumber: step.stepNumber ?? index + 1,
      delayValue: delay.value,
      delayUnit: delay.unit,
      createdAt: existing?.createdAt ?? now,
      updatedAt: now,
    };
  });
  if (rows.length > 0) await orm(tx).insert(sequenceStep).values(rows);
  return { kind: "replaced" };
}

async function knownSteps(tx: Queryable, sequence: LockedSequence, version: EditableVersion) {
  const numbers = [sequence.currentVersionNumber, version.versionNumber];
  const steps = await orm(tx)
    .select({
      id: sequenceStep.id,
      key: sequenceStep.stepKey,
      versionId: sequenceStep.versionId,
      createdAt: sequenceStep.createdAt,
    })
    .from(sequenceStep)
    .innerJoin(sequenceVersion, eq(sequenceVersion.id, sequenceStep.versionId))
    .where(and(eq(sequenceVersion.sequenceId, sequence.id), inArray(sequenceVersion.versionNumber, numbers)));
  return {
    keys: new Map<string, string>(steps.map((step) => [step.id, step.key])),
    ofVersion: new Map(steps.filter((step) => step.versionId === version.id).map((step) => [step.key, step])),
  };
}

function indicesWhere<T>(list: readonly T[], is: (item: T, index: number) => boolean): number[] {
  return list.flatMap((item, index) => (is(item, index) ? [index] : []));
}
