import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export interface RunningProcess {
  readonly pid: number;
  /** Everything it wrote so far. */
  output(): string;
  /** Waits for the end, whatever it comes from. */
  ended(): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** Sends a real signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** Starts one of the real processes, as built, and waits until it says over IPC that it is ready. */
export function startProcess(app: "api" | "worker", env: Record<string, string>): Promise<RunningProcess> {
  return startProgram(`../apps/${app}/dist/main.js`, env);
}

/** The same for a program of its own, named relative to this file. */
export async function startProgram(path: string, env: Record<string, string>): Promise<RunningProcess> {
  const main = fileURLToPath(new URL(path, import.meta.url));
  const child = spawn(process.execPath, [main], {
    env: { PATH: process.env.PATH ?? "", ...env },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let output = "";
  child.stdout?.on("data", (chunk: Buffer) => (output += chunk));
  child.stderr?.on("data", (chunk: Buffer) => (output += chunk));
  await readyOrEnded(child, () => output);
  const ended = async () => {
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    return { code: child.exitCode, signal: child.signalCode };
  };
  return {
    pid: child.pid ?? 0,
    output: () => output,
    ended,
    end(signal) {
      child.kill(signal);
      return ended();
    },
  };
}

async function readyOrEnded(child: ChildProcess, output: () => string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    child.once("message", () => resolve());
    child.once("exit", (code) => reject(new Error(`ended with ${code} before it was ready:\n${output()}`)));
  });
}
