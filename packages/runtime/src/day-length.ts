const unitMilliseconds = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** Shorter days than this only measure the sweep's and the queue's own latency. */
const shortestMilliseconds = 50;
const longestMilliseconds = 24 * unitMilliseconds.h;

/** How a day length is written; for messages. */
export const dayLengthForm = "a number with ms, s, m or h, from 50ms to 24h, e.g. 5s";

/**
 * Reads how long a day of delay lasts when time is compressed, e.g. "5s", in milliseconds.
 * @returns undefined if the text is not one, see {@link dayLengthForm}
 */
export function parseDayLength(text: string): number | undefined {
  const match = /^(\d{1,8}(?:\.\d{1,3})?)\s*(ms|s|m|h)$/.exec(text.trim());
  if (match === null) return undefined;
  const milliseconds = Math.round(Number(match[1]) * unitMilliseconds[match[2] as keyof typeof unitMilliseconds]);
  return milliseconds >= shortestMilliseconds && milliseconds <= longestMilliseconds ? milliseconds : undefined;
}
