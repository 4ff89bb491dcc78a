import type { VersionStep } from "./diff-versions.ts";

// Where somebody stands when the steps change around them, told by the steps' keys. The same rule exists as SQL, over what
// is stored (packages/db/src/queries/later-steps.ts); a test holds the two to one answer.

/**
 * The number in `to` of the step at `stepNumber` of `from`, or else of the last one before it that both versions have;
 * 0 if there is none.
 */
export function reachedStepNumber(
  from: readonly VersionStep[],
  to: readonly VersionStep[],
  stepNumber: number,
): number {
  let reached: { readonly at: number; readonly number: number } = { at: 0, number: 0 };
  for (const step of from) {
    if (step.stepNumber > stepNumber || step.stepNumber <= reached.at) continue;
    const here = stepWithKey(to, step.key);
    if (here !== undefined) reached = { at: step.stepNumber, number: here.stepNumber };
  }
  return reached.number;
}

export interface Standing {
  /** The number in `from` of the step they are at. */
  readonly stepNumber: number;
  /** Whether that step is one that was owed to them. */
  readonly isOwed: boolean;
  /** The number in `to` of the last step that is behind them. */
  readonly currentStepNumber: number;
}

/** After which step of `to` somebody goes on. To get what was owed takes nobody back to where it stands. */
export function placeIn(from: readonly VersionStep[], to: readonly VersionStep[], standing: Standing): number {
  const reached = reachedStepNumber(from, to, standing.stepNumber);
  return standing.isOwed ? Math.max(reached, standing.currentStepNumber) : reached;
}

/** The steps that somebody has still to get: those after their place and those owed to them, without those they had. */
export function stepsStillToGet(
  steps: readonly VersionStep[],
  place: number,
  keysHad: readonly string[],
  owedStepKeys: readonly string[],
): VersionStep[] {
  return steps.filter(
    ({ key, stepNumber }) => (stepNumber > place || owedStepKeys.includes(key)) && !keysHad.includes(key),
  );
}

/** The step with this key, if the version has it. */
export function stepWithKey(steps: readonly VersionStep[], key: string): VersionStep | undefined {
  return steps.find((step) => step.key === key);
}
