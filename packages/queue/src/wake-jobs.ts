import { delayUntil, isBeyondHorizon, type TimedWake, type Wake, wakeJobId } from "./wake.ts";

/** The name of BullMQ's queue, of its one kind of job, and how many of them go into one call. */
export const wakeQueueName = "wakes";
const wakeJobName = "wake";
/** One addBulk of 100,000 took 5.8 s and 571 MB; batches of 1,000 go in at 15,000 per second and answer in between. */
const batchSizeMax = 1_000;

export type WakeJob = {
  name: string;
  data: Wake;
  opts: { jobId: string; delay: number; removeOnComplete: true; removeOnFail: true; telemetry?: { metadata: string } };
};

/** The jobs for `wakes`, in batches BullMQ takes well; without those beyond the horizon. */
export function wakeJobBatches(wakes: readonly TimedWake[], now: Date, rescue?: string): WakeJob[][] {
  const jobs = wakes.filter((wake) => !isBeyondHorizon(wake.at, now)).map((wake) => wakeJob(wake, now, rescue));
  const batches: WakeJob[][] = [];
  for (let start = 0; start < jobs.length; start += batchSizeMax) batches.push(jobs.slice(start, start + batchSizeMax));
  return batches;
}

function wakeJob({ executionId, generation, at, trace }: TimedWake, now: Date, rescue: string | undefined): WakeJob {
  const wake = { executionId, generation };
  return {
    name: wakeJobName,
    data: wake,
    // A job that stays after its end would make BullMQ ignore its id for ever; history is in the database.
    opts: {
      jobId: wakeJobId(wake, rescue),
      delay: delayUntil(at, now),
      removeOnComplete: true,
      removeOnFail: true,
      ...(trace === undefined ? {} : { telemetry: { metadata: trace } }),
    },
  };
}
