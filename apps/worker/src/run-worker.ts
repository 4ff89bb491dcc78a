import { setTimeout as wait } from "node:timers/promises";
import { WakeHandlingError } from "@dripline/queue/wake-handling-error";
import type { LockTimes, WakeConsumer, WakeQueue } from "@dripline/queue/wake-queue";
import { makeWakeHandler } from "./handle-wake.ts";
import { startImports } from "./imports/start-imports.ts";
import { type Pruning, startPruning } from "./start-pruning.ts";
import type { StopTimes } from "./stop-times.ts";
import { type Sweeps, startSweeps } from "./sweeps/start-sweeps.ts";
import type { SweepDeps } from "./sweeps/sweep-deps.ts";
import { watchFence } from "./watch-fence.ts";

export interface WorkerOptions {
  /** Emails that this process works on at the same time; how many of them are at the mail server, `slots` says. */
  readonly inHandMax: number;
  readonly sweepSeconds: number;
  /** How soon a waiting import is seen. */
  readonly importSeconds: number;
  /** What ended longer ago is deleted, once a day by one worker of all; null: nothing is. */
  readonly retentionDays: number | null;
  /** Only tests change this. */
  readonly lock?: LockTimes | undefined;
}

export interface RunningWorker {
  /**
   * Resolves when wake-ups arrive, or when it is known that none may, because the database is fenced. While the queue's
   * backend or the database is down it waits.
   */
  whenReady(): Promise<void>;
  /**
   * Takes no more work and lets what is at the mail server finish: emails before their body for `beforeBodyMilliseconds`,
   * then they are called off and released for another worker; those in the body for `allMilliseconds`.
   *
   * @throws when some have no outcome by then; they are in the log, and in doubt once their lease is over
   */
  close(times: StopTimes): Promise<void>;
}

/** In hand are emails that the mail server still works on; whatever is not over by then, another worker is woken for. */
const leavingMilliseconds = 60_000;

/**
 * So long a queue is waited for that does not answer, once nothing is in hand any more: its jobs are another worker's when
 * their locks end, and whoever restarts everything while Redis hangs must not wait for each grace period.
 */
const queueMilliseconds = 2_000;

/** When a wake-up comes again that came while the fence was being closed. */
const againMilliseconds = 5_000;

/** What a worker with something to send does. */
interface Sending {
  readonly consumer: WakeConsumer;
  readonly sweeps: Sweeps;
  readonly pruning: Pruning;
}

/**
 * A worker: wake-ups from the queue, sweeps for what the queue lost, and files of contacts that are to be taken in. Run as
 * many as you like. From a database that is fenced it neither takes wake-ups nor sweeps, so that everything there stays as
 * it is; that changes within seconds when somebody adopts it.
 */
export function runWorker(deps: SweepDeps & { readonly queue: WakeQueue }, options: WorkerOptions): RunningWorker {
  const inHand = new Set<string>();
  let onHandsEmpty = (): void => {};
  const handle = makeWakeHandler(deps);
  let sending: Sending | undefined;
  let leaving: Promise<unknown> = Promise.resolve();
  const fence = watchFence(deps, {
    open() {
      const { sweepSeconds, retentionDays } = options;
      sending = {
        consumer: consume(),
        sweeps: startSweeps(deps, sweepSeconds),
        pruning: retentionDays === null ? noPruning : startPruning(deps, retentionDays),
      };
    },
    close() {
      const { consumer, sweeps, pruning } = sending as Sending;
      sending = undefined;
      leaving = Promise.all([leaving, consumer.close(leavingMilliseconds), sweeps.stop(), pruning.stop()]);
    },
  });
  const imports = startImports(deps, options.importSeconds);

  function consume(): WakeConsumer {
    return deps.queue.consume(
      async (wake, ...rest) => {
        if (!fence.isOpen()) return { kind: "again", at: new Date(deps.now().getTime() + againMilliseconds) };
        inHand.add(wake.executionId);
        deps.metrics.inHand(inHand.size);
        try {
          return await handle(wake, ...rest);
        } finally {
          inHand.delete(wake.executionId);
          deps.metrics.inHand(inHand.size);
          if (inHand.size === 0) onHandsEmpty();
        }
      },
      {
        concurrency: options.inHandMax,
        now: deps.now,
        ...(options.lock === undefined ? {} : { lock: options.lock }),
        onError(err) {
          if (err instanceof WakeHandlingError) {
            deps.log.error({ ...err.wake, err }, "a wake-up went wrong and comes again");
          } else deps.log.error({ err }, "the queue met an error and goes on");
        },
      },
    );
  }

  const handsEmpty = (): Promise<void> =>
    inHand.size === 0 ? Promise.resolve() : new Promise((resolve) => (onHandsEmpty = resolve));

  return {
    async whenReady() {
      await fence.whenKnown();
      await sending?.consumer.whenReady();
    },
    async close({ beforeBodyMilliseconds, allMilliseconds }) {
      fence.stop();
      const callingOff = setTimeout(() => deps.transport.callOff(), beforeBodyMilliseconds);
      const others = sending === undefined ? [imports.stop(), leaving] : [...stopAll(sending), imports.stop(), leaving];
      await Promise.all([
        Promise.race([Promise.all(others), wait(allMilliseconds, undefined, { ref: false })]),
        Promise.race([
          sending?.consumer.close(allMilliseconds),
          handsEmpty().then(() => wait(queueMilliseconds, undefined, { ref: false })),
        ]),
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

function stopAll({ sweeps, pruning }: Sending): Promise<void>[] {
  return [sweeps.stop(), pruning.stop()];
}

const noPruning: Pruning = { stop: async () => {} };
