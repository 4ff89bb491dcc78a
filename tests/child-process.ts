import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { waitFor } from "@dripline/testkit/wait-for";

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunningProcess {
  readonly pid: number;
  /** Everything it wrote so far. */
  output(): string;
  /** Waits until it wrote this. */
  says(text: string): Promise<void>;
  /** Sends a real signal and goes on. */
  kill(signal: NodeJS.Signals): void;
  /** Waits for the end, whatever it comes from. */
  ended(): Promise<ProcessEnd>;
  /** Sends a real signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<ProcessEnd>;
}

const waitMilliseconds = 30_000;

/** Starts one of the real processes, as built, and waits until it says over IPC that it is ready. */
export function startProcess(app: "api" | "worker", env: Record<string, string>): Promise<RunningProcess> {
  return startProgram(mainOf(app), env);
}

/** The same for a program of its own, named relative to this file. */
async function startProgram(path: string, env: Record<string, string>): Promise<RunningProcess> {
  const { child, running } = spawnProgram(path, env);
  await readyOrEnded(child, running.output);
  return running;
}

/** Starts one of the real processes, for a test in which it may never get ready. `nodeArguments` stand before the script. */
export function launchProcess(
  app: "api" | "worker",
  env: Record<string, string>,
  nodeArguments: readonly string[] = [],
): RunningProcess {
  return spawnProgram(mainOf(app), env, nodeArguments).running;
}

/** The same for a program of its own, named relative to this file. */
export function launchProgram(
  path: string,
  env: Record<string, string>,
  programArguments: readonly string[] = [],
): RunningProcess {
  return spawnProgram(path, env, [], programArguments).running;
}

function mainOf(app: "api" | "worker"): string {
  return `../apps/${app}/dist/main.js`;
}

function spawnProgram(
  path: string,
  env: Record<string, string>,
  nodeArguments: readonly string[] = [],
  programArguments: readonly string[] = [],
): { child: ChildProcess; running: RunningProcess } {
  const main = fileURLToPath(new URL(path, import.meta.url));
  const child = spawn(process.execPath, [...nodeArguments, main, ...programArguments], {
    env: { PATH: process.env.PATH ?? "", ...env },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let output = "";
  child.stdout?.on("data", (chunk: Buffer) => (output += chunk));
  child.stderr?.on("data", (chunk: Buffer) => (output += chunk));
  const ended = once(child, "close").then(() => ({ code: child.exitCode, signal: child.signalCode }));
  const running: RunningProcess = {
    pid: child.pid ?? 0,
    output: () => output,
    says: async (text) => {
      await waitFor(() => output.includes(text), {
        timeoutMilliseconds: waitMilliseconds,
        describe: `the process to say "${text}"`,
      }).catch((cause: unknown) => {
        throw new Error(`it said only:\n${output}`, { cause });
      });
    },
    kill: (signal) => void child.kill(signal),
    async end(signal) {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      return ended;
    },
    ended: () => ended,
  };
  return { child, running };
}

async function readyOrEnded(child: ChildProcess, output: () => string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    child.once("message", () => resolve());
    child.once("exit", (code) => reject(new Error(`ended with ${code} before it was ready:\n${output()}`)));
  });
}
