import type { Spread } from "./spread.ts";

/** What a number should be: the median of the runs is judged, but of what must never be more the worst. */
export interface Target {
  readonly atLeast?: number;
  readonly atMost?: number;
  readonly judged: "median" | "max";
}

/**
 * On 2 cores with everything on the one machine. CPU of all processes together: 3 ms for an email where ceiling A costs
 * 1.6 ms for a message, said as the ratio of the two, since milliseconds are another thing on another machine.
 */
export const targets = {
  drainTwoWorkers: { atLeast: 1, judged: "median" },
  drainOneWorker: { atLeast: 0.8, judged: "median" },
  drainPostgres: { atLeast: 0.5, judged: "median" },
  cpu: { atMost: 3 / 1.6, judged: "median" },
  bulk: { atLeast: 0.4, judged: "median" },
  lateness: { atMost: 250, judged: "median" },
  redisBytes: { atMost: 1_200, judged: "median" },
  growth: { atMost: 1.15, judged: "median" },
  workerMegabytes: { atMost: 250, judged: "max" },
} as const satisfies Readonly<Record<string, Target>>;

export function isReached({ atLeast, atMost, judged }: Target, spread: Spread): boolean {
  const value = spread[judged];
  return (atLeast === undefined || value >= atLeast) && (atMost === undefined || value <= atMost);
}
