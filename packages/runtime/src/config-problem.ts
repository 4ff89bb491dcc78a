import type { UnknownVariable } from "./unknown-variables.ts";

/** One variable that is missing or wrong. Never holds the value of a secret. */
export interface ConfigProblem {
  readonly variable: string;
  /** Completes the sentence "<variable> …". */
  readonly problem: string;
  /** What to write instead. */
  readonly remedy: string;
}

/** All failures at once, one line each, for people; and what is set and not read, as that is often why. */
export function describeConfigProblems(
  problems: readonly ConfigProblem[],
  unknown: readonly UnknownVariable[] = [],
): string {
  const count = problems.length === 1 ? "One setting is" : `${problems.length} settings are`;
  const lines = problems.map(({ variable, problem, remedy }) => `  ${variable} ${problem}. Write: ${remedy}`);
  return [`${count} missing or wrong:`, ...lines, ...unknown.map(({ sentence }) => sentence)].join("\n");
}
