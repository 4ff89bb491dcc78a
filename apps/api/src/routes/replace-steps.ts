import type { Queryable } from "@dripline/db/database";
import type { EditableVersion } from "@dripline/db/queries/editable-version";
import type { LockedSequence } from "@dripline/db/queries/lock-sequence";
import { type ListedStep, replaceSteps } from "@dripline/db/queries/replace-steps";
import { unreachable } from "@dripline/domain/unreachable";
import { ProblemError, unknownReferences } from "../problem-error.ts";

/** `replaceSteps` with the list in the body's `steps`. @throws ProblemError `validation_failed`, with the places */
export async function replaceStepsOrRefuse(
  tx: Queryable,
  sequence: LockedSequence,
  version: EditableVersion,
  list: readonly ListedStep[],
  now: Date,
): Promise<void> {
  const replaced = await replaceSteps(tx, sequence, version, list, now);
  switch (replaced.kind) {
    case "replaced":
      return;
    case "unknown_steps":
      throw unknownReferences(
        replaced.indices.map((index) => ({
          pointer: `/steps/${index}/id`,
          what: "step of the draft or the current version",
          id: String(list[index]?.id),
        })),
      );
    case "same_steps":
      throw sameSteps(replaced.indices.map((index) => `/steps/${index}/id`));
    default:
      unreachable(replaced);
  }
}

/** Places in the list that name a step again. */
export function sameSteps(pointers: readonly string[]): ProblemError {
  return new ProblemError("validation_failed", "The list has the same step more than once.", {
    errors: pointers.map((pointer) => ({
      pointer,
      code: "duplicate",
      detail: "names a step that stands in the list before",
    })),
  });
}
