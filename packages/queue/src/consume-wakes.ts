import type { Job, Worker } from "bullmq";
import { runWake } from "./run-wake.ts";
import type { ConsumeOptions, LockTimes, WakeConsumer, WakeHandler } from "./wake-queue.ts";

/**
 * A killed worker's wakes reach another within 15 s (BullMQ's defaults: a minute). A worker renews its locks every 5 s;
 * one that is silent for 10 s and comes back finds its writes fenced, so taking its wakes early does no harm.
 */
const defaultLock: LockTimes = { lockMilliseconds: 10_000, stalledCheckMilliseconds: 5_000 };

/** Until connections that do not answer are left alone when closing: the process is about to end. */
const disconnectMilliseconds = 1_000;

/** The part of BullMQ's WorkerOptions that is the same on every backend. */
export function workerOptions({ concurrency, lock = defaultLock }: ConsumeOptions) {
  return {
    concurrency,
    lockDuration: lock.lockMilliseconds,
    stalledInterval: lock.stalledCheckMilliseconds,
    // BullMQ deletes a job whose worker died more often than this, and the default is once. What must be given up is
    // decided in the database, where the attempts are counted.
    maxStalledCount: 50,
    // How long a worker waits after it could not reach the backend. BullMQ's 15 s would be dead time after a restart.
    runRetryDelay: 1_000,
    // For jobs added by hand, without options of their own.
    removeOnComplete: { count: 0 },
    removeOnFail: { count: 0 },
  };
}

/** What a BullMQ worker runs for each job. */
export function wakeProcessor(handler: WakeHandler, { onError, now }: ConsumeOptions, machineNow: () => Date) {
  const deps = { handler, now: now ?? machineNow, onError };
  return (job: Job, token?: string): Promise<void> => runWake(deps, job, token);
}

/** The part of BullMQ's Worker that is used here, and that its workers on every backend share. */
type BullWorker = Pick<Worker, "close" | "disconnect"> & {
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "stalled", listener: (jobId: string) => void): unknown;
};

/** A running BullMQ worker as a WakeConsumer; `whenReady` tells when it can reach its backend. */
export function wakeConsumer(
  worker: BullWorker,
  onError: (error: Error) => void,
  whenReady: () => Promise<void>,
): WakeConsumer {
  let isClosed = false;
  // An "error" without a listener would end the process. While closing, connections end on purpose.
  worker.on("error", (error) => {
    if (!isClosed) onError(error);
  });
  worker.on("stalled", (jobId) => onError(new Error(`A worker died or hung with job ${jobId}; it runs again`)));
  return {
    whenReady,
    async close(graceMilliseconds) {
      const drained = await within(worker.close(), graceMilliseconds);
      isClosed = true;
      if (drained) return "drained";
      // Without a connection nobody renews the locks, so another worker gets what is left here.
      await within(worker.disconnect(), disconnectMilliseconds);
      return "grace_over";
    },
  };
}

/** Whether `work` ended well or badly within the time: BullMQ's close() has no time limit of its own. */
export async function within(work: Promise<unknown>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  const ended = work.then(
    () => true,
    () => true,
  );
  try {
    return await Promise.race([ended, over]);
  } finally {
    clearTimeout(timer);
  }
}
