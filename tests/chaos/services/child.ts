import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";

export interface ChildOptions {
  readonly name: string;
  readonly arguments: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Everything it prints is appended here. */
  readonly logPath: string;
  readonly onMessage?: (message: unknown) => void;
}

/** How a process ended: with a code of its own, or by a signal. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Child {
  readonly name: string;
  readonly pid: number;
  /** Resolves with true when it says `{ type: "ready" }` over IPC, with false if it ends before. */
  readonly ready: Promise<boolean>;
  readonly ended: Promise<Ending>;
  hasEnded(): boolean;
  /** Resolves once it has printed this. */
  printed(text: string): Promise<void>;
  send(message: object): void;
  signal(signal: NodeJS.Signals): void;
}

/** Starts a Node.js process that speaks IPC. */
export function startChild(options: ChildOptions): Child {
  const child = spawn(process.execPath, [...options.arguments], {
    // Nothing of the harness's own environment gets in: a DATABASE_URL there would be somebody's real one.
    env: { PATH: process.env.PATH ?? "", ...options.env },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const log = createWriteStream(options.logPath, { flags: "a" });
  child.stdout?.pipe(log, { end: false });
  child.stderr?.pipe(log, { end: false });
  const ended = endingOf(child);
  void ended.then(() => log.end());
  const ready = new Promise<boolean>((resolve) => {
    child.on("message", (message: { type?: unknown }) => {
      if (message?.type === "ready") resolve(true);
      else options.onMessage?.(message);
    });
    void ended.then(() => resolve(false));
  });
  const output = collect(child);
  return {
    name: options.name,
    pid: child.pid ?? 0,
    ready,
    ended,
    printed: (text) => output.has(text),
    send: (message) => void child.send(message),
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    signal: (signal) => void child.kill(signal),
  };
}

async function endingOf(child: ChildProcess): Promise<Ending> {
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  return { code, signal };
}

/** What it prints, for whoever waits for a word of it. */
function collect(child: ChildProcess): { has(text: string): Promise<void> } {
  let printed = "";
  let waiting: { text: string; resolve: () => void }[] = [];
  child.stdout?.on("data", (chunk: Buffer) => {
    printed += chunk;
    for (const { resolve } of waiting.filter(({ text }) => printed.includes(text))) resolve();
    waiting = waiting.filter(({ text }) => !printed.includes(text));
  });
  return {
    has: (text) =>
      printed.includes(text) ? Promise.resolve() : new Promise((resolve) => waiting.push({ text, resolve })),
  };
}
