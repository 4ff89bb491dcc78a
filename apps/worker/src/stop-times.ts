/** How long a worker that was told to stop waits, from that moment on. */
export interface StopTimes {
  /** For emails of which nothing has left: connecting, the envelope, waiting for a connection. */
  readonly beforeBodyMilliseconds: number;
  /** For those in the body: giving up on their reply makes doubt. */
  readonly allMilliseconds: number;
}

/** Releasing an email takes one statement, so there is time for it whatever this is; a quick server needs no more. */
const beforeBodySecondsMax = 5;

/** For what closes after it: the queue's consumer and the queue, a second each if it does not answer, and the mail connections. */
const closingSeconds = 3;

/** Divides the grace period of a process. */
export function stopTimes(graceSeconds: number): StopTimes {
  return {
    beforeBodyMilliseconds: Math.min(beforeBodySecondsMax, graceSeconds / 3) * 1_000,
    allMilliseconds: Math.max(graceSeconds - closingSeconds, graceSeconds / 2) * 1_000,
  };
}
