import { setTimeout as wait } from "node:timers/promises";
import type { LockTimes, WakeQueue } from "@dripline/queue/wake-queue";
import { makeWakeHandler } from "./handle-wake.ts";
import { startImports } from "./imports/start-imports.ts";
import type { StopTimes } from "./stop-times.ts";
import { startSweeps } from "./sweeps/start-sweeps.ts";
import type { SweepDeps } from "./sweeps/sweep-deps.ts";

export interface WorkerOptions {
  /** Emails that this process works on at the same time; how many of them are at the mail server, `slots` says. */
  readonly inHandMax: number;
  readonly sweepSeconds: number;
  /** How soon a waiting import is seen. */
  readonly importSeconds: number;
  /** Only tests change this. */
  readonly lock?: LockTimes | undefined;
}

export interface RunningWorker {
  /** Resolves when wake-ups arrive. While the queue's backend is down it waits. */
  whenReady(): Promise<void>;
  /**
   * Takes no more work and lets what is at the mail server finish: emails before their body for `beforeBodyMilliseconds`,
   * then they are called off and released for another worker; those in the body for `allMilliseconds`.
   *
   * @throws when some have no outcome by then; they are in the log, and in doubt once their lease is over
   */
  close(times: StopTimes): Promise<void>;
}

/** A worker: wake-ups from the queue, sweeps for what the queue lost, and files of contacts that are to be taken in. Run as many as you like. */
export function runWorker(deps: SweepDeps & { readonly queue: WakeQueue }, options: WorkerOptions): RunningWorker {
  const inHand = new Set<string>();
  const handle = makeWakeHandler(deps);
  const consumer = deps.queue.consume(
    async (wake, ...rest) => {
      inHand.add(wake.executionId);
      try {
        return await handle(wake, ...rest);
      } finally {
        inHand.delete(wake.executionId);
      }
    },
    {
      concurrency: options.inHandMax,
      now: deps.now,
      ...(options.lock === undefined ? {} : { lock: options.lock }),
      onError: (err) => deps.log.error({ err }, "a wake-up went wrong and comes again"),
    },
  );
  const sweeps = startSweeps(deps, options.sweepSeconds);
  const imports = startImports(deps, options.importSeconds);

  return {
    whenReady: () => consumer.whenReady(),
    async close({ beforeBodyMilliseconds, allMilliseconds }) {
      const callingOff = setTimeout(() => deps.transport.callOff(), beforeBodyMilliseconds);
      await Promise.all([
        Promise.race([Promise.all([sweeps.stop(), imports.stop()]), wait(allMilliseconds, undefined, { ref: false })]),
        consumer.close(allMilliseconds),
      ]);
      clearTimeout(callingOff);
      if (inHand.size === 0) return;
      deps.log.error(
        { executionIds: [...inHand] },
        "stopping before these have an outcome: whichever are with the mail server are in doubt once their lease is over",
      );
      throw new Error(`${inHand.size} emails have no outcome yet`);
    },
  };
}
