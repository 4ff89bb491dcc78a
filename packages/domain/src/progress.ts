/** "2/5 (40.0%)": how many of the sequence's steps are behind this enrollment. "0/0" when there are no steps. */
export function describeProgress(stepsDone: number, stepsTotal: number): string {
  if (stepsTotal === 0) return "0/0";
  return `${stepsDone}/${stepsTotal} (${((stepsDone / stepsTotal) * 100).toFixed(1)}%)`;
}
