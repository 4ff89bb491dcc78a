import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "@dripline/runtime/logger";
import { nodeFlags } from "@dripline/runtime/node-flags";
import { countCrash, restartDelayMilliseconds } from "./restart-delay.ts";

/** The pauses between them make a quarter of a minute: a reason that outlasts that, starting once more does not cure. */
const crashesInARowMax = 6;

export interface ServiceToKeep {
  /** As people call it: "API", "worker". */
  readonly name: string;
  readonly script: string;
  readonly env: NodeJS.ProcessEnv;
  readonly log: Logger;
  /** Aborted when stopping begins: from then on nothing is started. */
  readonly signal: AbortSignal;
  /** Told once, when it ended before it was ever ready or died again and again. */
  readonly onHopeless: () => void;
}

export interface ServiceKept {
  /** Resolves when the process said for the first time that it is ready; never, if it does not get that far. */
  readonly ready: Promise<void>;
  /** Ends it in order (SIGTERM) and waits until it is gone. @throws when it did not end with 0 */
  stop(): Promise<void>;
}

/**
 * Runs a Node.js script as a process of its own that writes where we write, and starts it again when it dies. Unlike
 * `superviseProcess`, whose services log to files and are looked after by a person, it gives up in the end: whoever runs
 * a container sees that it ended, and not that it is busy dying.
 */
export function keepRunning(service: ServiceToKeep): ServiceKept {
  const { name, log, signal } = service;
  let sayReady = (): void => {};
  const ready = new Promise<void>((resolve) => {
    sayReady = resolve;
  });
  let current = start(service);

  async function keep(): Promise<void> {
    for (let crashes = 0, wasEverReady = false; ; current = start(service)) {
      const { child, startedAt, ended } = current;
      child.on("message", (message: { type?: unknown }) => {
        if (message.type !== "ready") return;
        wasEverReady = true;
        sayReady();
      });
      const how = describeEnd(await ended);
      if (signal.aborted) return;
      crashes = countCrash(crashes, performance.now() - startedAt);
      if (!wasEverReady || crashes >= crashesInARowMax) {
        const why = wasEverReady ? `${crashes} times in a row` : "before it was ready";
        log.fatal({ crashes }, `the ${name} ended ${why} (${how}): giving up`);
        return service.onHopeless();
      }
      const pause = restartDelayMilliseconds(crashes);
      log.error({ crashes }, `the ${name} ended unexpectedly (${how}); it is started again in ${pause / 1_000} s`);
      await delay(pause, undefined, { signal });
    }
  }
  keep().catch(() => {}); // the pause that stopping breaks off

  return {
    ready,
    async stop() {
      current.child.kill("SIGTERM");
      const end = await current.ended;
      // Told to stop before it could listen to that, it is gone all the same.
      if (end.code !== 0 && end.signal !== "SIGTERM") throw new Error(`the ${name} ended with ${describeEnd(end)}`);
    },
  };
}

interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly error?: Error;
}

function start({ script, env }: ServiceToKeep): { child: ChildProcess; startedAt: number; ended: Promise<End> } {
  // In our process group: what a terminal sends it reaches the services as well, and they take the same signal twice for one.
  const child = spawn(process.execPath, [...nodeFlags, script], {
    env,
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const ended = once(child, "exit").then(
    ([code, signal]): End => ({ code, signal }),
    (error: Error): End => ({ code: null, signal: null, error }),
  );
  return { child, startedAt: performance.now(), ended };
}

function describeEnd({ code, signal, error }: End): string {
  return error?.message ?? (signal === null ? `exit code ${code}` : `signal ${signal}`);
}
