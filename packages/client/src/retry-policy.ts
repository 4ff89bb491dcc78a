/** How often, and after how long, a request is sent again. */
export interface RetryPolicy {
  /** All attempts, the first one included; 1: none is repeated. */
  readonly attemptsMax: number;
  /** The first wait is up to so long; each further one up to twice as long. */
  readonly firstWaitMilliseconds: number;
  readonly waitMillisecondsMax: number;
  /** A server that asks for a longer wait by `Retry-After` is not waited for: its answer is thrown. */
  readonly retryAfterSecondsMax: number;
}

export const defaultRetryPolicy: RetryPolicy = {
  attemptsMax: 4,
  firstWaitMilliseconds: 250,
  waitMillisecondsMax: 10_000,
  retryAfterSecondsMax: 60, // a rate limit counts by the minute
};

/**
 * How long to wait before the next attempt, in milliseconds; undefined: do not try again. The wait is random between half
 * of the step and the whole of it, so that many clients do not come back in the same moment; `Retry-After` is waited for
 * in full.
 * @param attempt the number of the attempt that failed, from 1
 * @param random at least 0 and below 1
 */
export function retryWait(
  policy: RetryPolicy,
  { attempt, retryAfterSeconds, random }: { attempt: number; retryAfterSeconds: number | undefined; random: number },
): number | undefined {
  if (attempt >= policy.attemptsMax) return undefined;
  const step = Math.min(policy.firstWaitMilliseconds * 2 ** (attempt - 1), policy.waitMillisecondsMax);
  const wait = step / 2 + (step / 2) * random;
  if (retryAfterSeconds === undefined) return wait;
  if (retryAfterSeconds > policy.retryAfterSecondsMax) return undefined;
  return retryAfterSeconds * 1_000 + wait;
}

/** The seconds that a `Retry-After` asks for, a number or a date (RFC 9110, section 10.2.3); undefined if it is neither. */
export function readRetryAfter(header: string | null, now: Date): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header);
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, (at - now.getTime()) / 1_000);
}
