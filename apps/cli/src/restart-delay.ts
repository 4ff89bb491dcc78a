const firstMilliseconds = 500;
const longestMilliseconds = 30_000;
/** A process that ran this long was healthy: its next crash is a new story. */
const healthyMilliseconds = 60_000;

/**
 * How long to wait before a process that died is started again: half a second, doubled with every crash in a row, half
 * a minute at most. `crashesInARow` counts this one.
 */
export function restartDelayMilliseconds(crashesInARow: number): number {
  return Math.min(longestMilliseconds, firstMilliseconds * 2 ** Math.min(crashesInARow - 1, 16));
}

/** The number of crashes in a row, this one included, of a process that ran for `ranMilliseconds`. */
export function countCrash(crashesBefore: number, ranMilliseconds: number): number {
  return ranMilliseconds >= healthyMilliseconds ? 1 : crashesBefore + 1;
}
