import type { LockTimes, WakeQueue } from "@dripline/queue/wake-queue";
import { makeWakeHandler } from "./handle-wake.ts";
import { startSweeps } from "./sweeps/start-sweeps.ts";
import type { SweepDeps } from "./sweeps/sweep-deps.ts";

export interface WorkerOptions {
  /** Emails under way at the same time in this process. */
  readonly concurrency: number;
  readonly sweepSeconds: number;
  /** Only tests change this. */
  readonly lock?: LockTimes | undefined;
}

export interface RunningWorker {
  /** Resolves when wake-ups arrive. While the queue's backend is down it waits. */
  whenReady(): Promise<void>;
  /** Takes no more work, lets what is at the mail server finish, for at most so long. */
  close(graceMilliseconds: number): Promise<void>;
}

/** A worker: wake-ups from the queue, and sweeps for what the queue lost. Run as many as you like. */
export function runWorker(deps: SweepDeps & { readonly queue: WakeQueue }, options: WorkerOptions): RunningWorker {
  const consumer = deps.queue.consume(makeWakeHandler(deps), {
    concurrency: options.concurrency,
    now: deps.now,
    ...(options.lock === undefined ? {} : { lock: options.lock }),
    onError: (err) => deps.log.error({ err }, "a wake-up went wrong and comes again"),
  });
  const sweeps = startSweeps(deps, options.sweepSeconds);

  return {
    whenReady: () => consumer.whenReady(),
    async close(graceMilliseconds) {
      await Promise.all([sweeps.stop(), consumer.close(graceMilliseconds)]);
    },
  };
}
