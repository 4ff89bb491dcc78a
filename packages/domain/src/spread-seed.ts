/** The seed of everything that is spread for one execution: stable over retries, rescues, replans and versions. */
export function spreadSeed(enrollmentId: string, stepKey: string): string {
  return `${enrollmentId}:${stepKey}`;
}
