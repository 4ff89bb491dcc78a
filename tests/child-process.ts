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
  /** Sends a real signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<ProcessEnd>;
  /** How it ended, once it has. */
  readonly ended: Promise<ProcessEnd>;
}

const waitMilliseconds = 30_000;

/** Starts one of the real processes, as built, and waits until it says over IPC that it is ready. */
export async function startProcess(app: "api" | "worker", env: Record<string, string>): Promise<RunningProcess> {
  const { child, running } = spawnApp(app, env);
  await readyOrEnded(child, running.output);
  return running;
}

/** Starts one of the real processes, for a test in which it may never get ready. `nodeArguments` stand before the script. */
export function launchProcess(
  app: "api" | "worker",
  env: Record<string, string>,
  nodeArguments: readonly string[] = [],
): RunningProcess {
  return spawnApp(app, env, nodeArguments).running;
}

function spawnApp(
  app: "api" | "worker",
  env: Record<string, string>,
  nodeArguments: readonly string[] = [],
): { child: ChildProcess; running: RunningProcess } {
  const main = fileURLToPath(new URL(`../apps/${app}/dist/main.js`, import.meta.url));
  const child = spawn(process.execPath, [...nodeArguments, main], {
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
        describe: `${app} to say "${text}"`,
      }).catch((cause: unknown) => {
        throw new Error(`it said only:\n${output}`, { cause });
      });
    },
    kill: (signal) => void child.kill(signal),
    async end(signal) {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      return ended;
    },
    ended,
  };
  return { child, running };
}

async function readyOrEnded(child: ChildProcess, output: () => string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    child.once("message", () => resolve());
    child.once("exit", (code) => reject(new Error(`ended with ${code} before it was ready:\n${output()}`)));
  });
}
