import { setTimeout as wait } from "node:timers/promises";
import { type Child, type ChildOptions, type Ending, startChild } from "./child.ts";

/** One end of a supervised process, and whether somebody asked for it. */
export interface ProcessEnd extends Ending {
  readonly at: number;
  readonly name: string;
  readonly pid: number;
  readonly wasAsked: boolean;
}

/** A process that is started again whenever it ends, as a container platform does. */
export interface Supervised {
  readonly name: string;
  /** Resolves when the present one is ready; again after each restart. */
  whenReady(): Promise<void>;
  /** Whether it has been ready for so long. */
  isReady(forMilliseconds?: number): boolean;
  /** `kill -9`; the next one starts at once. */
  kill(): void;
  /** SIGSTOP, and SIGCONT after so long. */
  freeze(milliseconds: number): Promise<void>;
  isFrozen(): boolean;
  /** SIGTERM; resolves with how it ended. The next one starts at once. */
  roll(): Promise<Ending>;
  /** SIGTERM, and nothing is started again. */
  stop(): Promise<Ending | undefined>;
}

/** A process that ends by itself at once would otherwise be started a hundred times a second. */
const restartMilliseconds = 100;

export function supervise(options: ChildOptions, onEnd: (end: ProcessEnd) => void): Supervised {
  let isStopping = false;
  let isFrozen = false;
  let isAsked = false;
  /** By performance.now(); Infinity while it is not. */
  let readySince = Number.POSITIVE_INFINITY;
  let current = start();

  function start(): Child {
    readySince = Number.POSITIVE_INFINITY;
    isAsked = false;
    const child = startChild(options);
    void child.ready.then((ready) => {
      if (child === current && ready && !isAsked) readySince = performance.now();
    });
    void child.ended.then(async (ending) => {
      if (child === current) readySince = Number.POSITIVE_INFINITY;
      onEnd({ at: Date.now(), name: options.name, pid: child.pid, wasAsked: isAsked || isStopping, ...ending });
      if (!isAsked) await wait(restartMilliseconds);
      if (!isStopping) current = start();
    });
    return child;
  }

  return {
    name: options.name,
    async whenReady() {
      while (!(await current.ready)) await wait(restartMilliseconds);
    },
    isReady: (forMilliseconds = 0) => performance.now() - readySince >= forMilliseconds,
    kill() {
      isAsked = true;
      readySince = Number.POSITIVE_INFINITY; // at once: the news of its end takes a while, and it must not be chosen again meanwhile
      current.signal("SIGKILL");
    },
    async freeze(milliseconds) {
      const child = current;
      isFrozen = true;
      child.signal("SIGSTOP");
      await wait(milliseconds);
      child.signal("SIGCONT");
      isFrozen = false;
    },
    isFrozen: () => isFrozen,
    async roll() {
      const child = current;
      isAsked = true;
      readySince = Number.POSITIVE_INFINITY;
      child.signal("SIGTERM");
      return child.ended;
    },
    async stop() {
      isStopping = true;
      if (current.hasEnded()) return undefined;
      current.signal("SIGTERM");
      const stubborn = setTimeout(() => current.signal("SIGKILL"), 15_000);
      const ending = await current.ended;
      clearTimeout(stubborn);
      return ending;
    },
  };
}
