import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, renameSync, statSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { nodeFlags } from "@dripline/runtime/node-flags";
import { lastWords } from "./last-words.ts";
import { countCrash, restartDelayMilliseconds } from "./restart-delay.ts";
import { UserError } from "./user-error.ts";

const readyMillisecondsMax = 60_000;
const logBytesMax = 10 * 1024 * 1024;

export interface SupervisedOptions {
  /** As people call it: "API", "worker". */
  readonly name: string;
  readonly script: string;
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
  /** Told what happened when the process died by itself and is started again. */
  readonly onTrouble: (message: string) => void;
  /** Told the pid of every process started. */
  readonly onSpawn: (pid: number) => void;
}

export interface SupervisedProcess {
  /**
   * Resolves when the process said that it is ready.
   * @throws UserError with its last words when it ended before, or said nothing for a minute
   */
  readonly ready: Promise<void>;
  /** Ends it in order (SIGTERM), or by force after `graceSeconds`. Resolves when it is gone. */
  stop(graceSeconds: number): Promise<void>;
}

/**
 * Runs a Node.js script as a process of its own, in its own process group (a Ctrl-C in the terminal is not for it), with
 * its output in a file, and starts it again when it dies after it was ready. It notices by its IPC channel when we are gone.
 */
export function superviseProcess(options: SupervisedOptions): SupervisedProcess {
  const { name, logFile, onTrouble } = options;
  rotate(logFile);
  const stopping = new AbortController();
  let crashes = 0;
  let current = startOnce(options);

  async function keepAlive(): Promise<void> {
    await current.ready;
    for (;;) {
      const how = await current.ended;
      if (stopping.signal.aborted) return;
      crashes = countCrash(crashes, performance.now() - current.startedAt);
      const pause = restartDelayMilliseconds(crashes);
      onTrouble(
        `The ${name} ended unexpectedly (${how}); starting it again in ${pause / 1_000} s. Its log: ${logFile}`,
      );
      await delay(pause, undefined, { signal: stopping.signal });
      current = startOnce(options);
      current.ready.then(
        () => onTrouble(`The ${name} is running again.`),
        () => {}, // its end is reported by the next turn of this loop
      );
    }
  }
  // Ends with the first start's failure, which `ready` reports, or with the pause that stop() breaks off.
  keepAlive().catch(() => {});

  return {
    ready: current.ready,
    stop: async (graceSeconds) => {
      stopping.abort();
      current.child.kill("SIGTERM");
      const force = setTimeout(() => current.child.kill("SIGKILL"), graceSeconds * 1_000);
      await current.ended;
      clearTimeout(force);
    },
  };
}

interface Run {
  readonly child: ChildProcess;
  readonly startedAt: number;
  readonly ready: Promise<void>;
  /** How it ended, in words; never rejects. */
  readonly ended: Promise<string>;
}

function startOnce({ name, script, env, logFile, onSpawn }: SupervisedOptions): Run {
  const log = openSync(logFile, "a");
  const logStart = statSync(logFile).size;
  const child = spawn(process.execPath, [...nodeFlags, script], {
    env,
    detached: true,
    stdio: ["ignore", log, log, "ipc"],
  });
  closeSync(log);
  if (child.pid !== undefined) onSpawn(child.pid);
  const ended = describeEnd(child);

  const ready = (async () => {
    const said = await Promise.race([
      readyMessage(child),
      ended,
      delay(readyMillisecondsMax, "silent" as const, { ref: false }),
    ]);
    if (said === "ready") return;
    const what = said === "silent" ? "did not get ready within a minute" : `could not start (${said})`;
    const words = lastWords(readFileSync(logFile).subarray(logStart).toString());
    if (said === "silent") child.kill("SIGKILL");
    throw new UserError([`The ${name} ${what}. Its log: ${logFile}`, ...words.map((line) => `  | ${line}`)].join("\n"));
  })();
  ready.catch(() => {}); // whoever waits for it is told; a restart's failure is its end
  return { child, startedAt: performance.now(), ready, ended };
}

async function readyMessage(child: ChildProcess): Promise<"ready"> {
  return new Promise((resolve) => {
    child.on("message", (message: { type?: unknown }) => {
      if (message.type === "ready") resolve("ready");
    });
  });
}

async function describeEnd(child: ChildProcess): Promise<string> {
  try {
    const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
    return signal === null ? `exit code ${code}` : `signal ${signal}`;
  } catch (error) {
    return (error as Error).message;
  }
}

function rotate(logFile: string): void {
  try {
    if (statSync(logFile).size > logBytesMax) renameSync(logFile, `${logFile}.1`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
