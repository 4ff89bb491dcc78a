import { type Pace, REAL_PACE } from "./delay.ts";
import { seededFraction } from "./seeded-fraction.ts";

/** An execution is tried this often before it counts as failed and waits for an operator. */
export const ATTEMPTS_MAX = 3;

// Greylisting lets a message pass after 5 minutes as a rule, and Postfix starts at the same value; four hours keep
// a server that is down for a day from being asked hundreds of times.
const firstMilliseconds = 5 * 60_000;
const longestMilliseconds = 4 * 3_600_000;
const jitterShare = 0.2;

/**
 * How long to wait after the given number of attempts (1 = the first just failed): 5 min, 10 min, 20 min … at most 4 h,
 * each moved by up to ±20 % that depends on the seed, so that messages refused together do not come back together.
 */
export function backoffMilliseconds(attemptCount: number, seed: string, pace: Pace = REAL_PACE): number {
  const base = Math.min(firstMilliseconds * 2 ** (attemptCount - 1), longestMilliseconds);
  const jitter = 1 + jitterShare * (2 * seededFraction(`${seed}:${attemptCount}`) - 1);
  return Math.round((base * jitter * pace.dayMilliseconds) / REAL_PACE.dayMilliseconds);
}
