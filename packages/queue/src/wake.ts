/**
 * The whole payload of a job: "look at this execution again, if it still is in this generation".
 * Everything else is read from the database when the job runs (the row decides, the queue only wakes), so a queue
 * holds no personal data and a lost, doubled or outdated job cannot do harm.
 */
export type Wake = { executionId: string; generation: number };

/** A wake and the instant (UTC) at which it is wanted. An instant in the past means at once. */
export type TimedWake = Wake & {
  at: Date;
  /** The trace that asks for it, as `job-trace.ts` writes it, where somebody follows that. It goes into the job's options. */
  trace?: string;
};

/**
 * Wakes further away than this are not queued: their row waits in the database and a sweep wakes it within seconds
 * of its time. A waiting job costs about 950 bytes of Redis memory, and what is not queued cannot be lost with it.
 */
export const queueHorizonDays = 30;

const queueHorizonMilliseconds = queueHorizonDays * 24 * 60 * 60 * 1000;

/** BullMQ refuses `:` and whole numbers as ids, and takes almost anything else; this is the part that is safe everywhere. */
const jobIdPattern = /^[a-z][A-Za-z0-9_-]{1,100}$/;

/**
 * The id of the job that carries `wake`: the same wake always has the same id, and adding an id that exists is ignored
 * by BullMQ, so waking twice is harmless. `rescue` (for example a time bucket) makes another id on purpose, so that a
 * job that is stuck in the queue cannot block the sweep that comes to its aid.
 *
 * Throws a RangeError when a part contains anything but `A-Z a-z 0-9 _ -` or the id would be longer than 101 characters.
 */
export function wakeJobId(wake: Wake, rescue?: string): string {
  const id = `x${wake.executionId}-${wake.generation}${rescue === undefined ? "" : `-r${rescue}`}`;
  if (!jobIdPattern.test(id)) throw new RangeError(`${JSON.stringify(id)} cannot be the id of a job`);
  return id;
}

/** Milliseconds from `now` until `at`: a whole number, never negative. Throws a RangeError when either is not a date. */
export function delayUntil(at: Date, now: Date): number {
  const milliseconds = at.getTime() - now.getTime();
  // BullMQ's Redis backend takes NaN as "now" and runs the job, its PostgreSQL backend throws on fractions.
  if (!Number.isFinite(milliseconds)) throw new RangeError("A wake needs an instant that is a valid date");
  return Math.max(0, Math.round(milliseconds));
}

/** Whether `at` is further away from `now` than the queue looks ahead. */
export function isBeyondHorizon(at: Date, now: Date): boolean {
  return delayUntil(at, now) > queueHorizonMilliseconds;
}

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * The wake in a job's payload, or undefined when it is none: jobs can be added by hand (Bull Board), and a queue may
 * hold what another version of this program put there.
 */
export function parseWake(payload: unknown): Wake | undefined {
  if (typeof payload !== "object" || payload === null) return undefined;
  const { executionId, generation } = payload as Partial<Record<keyof Wake, unknown>>;
  if (typeof executionId !== "string" || !uuidPattern.test(executionId)) return undefined;
  if (typeof generation !== "number" || !Number.isSafeInteger(generation) || generation < 0) return undefined;
  return { executionId, generation };
}

/** How many losses of its worker a job's handler has outlived: written beside the wake when such a job is put back. */
export function parseLossesOutlived(payload: unknown): number {
  const { lossesOutlived } = payload as { readonly lossesOutlived?: unknown };
  return typeof lossesOutlived === "number" && Number.isSafeInteger(lossesOutlived) ? lossesOutlived : 0;
}
