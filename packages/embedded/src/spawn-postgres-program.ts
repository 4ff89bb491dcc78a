import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { PostgresAccount } from "./postgres-account.ts";

export type Ending = { code: number | null; signal: NodeJS.Signals | null };

/** A program of PostgreSQL that has been started; `ended` never rejects. `output` is what it has said so far. */
export type RunningProgram = { child: ChildProcess; ended: Promise<Ending>; output: () => string };

// Enough for the error that ends a program; a server that logs for months must not fill our memory.
const OUTPUT_LINES_KEPT = 40;

/**
 * Starts initdb or postgres in a session of its own, so that Ctrl-C in the terminal reaches us and not them: we stop
 * the database last. Every line they print goes to `line`.
 * @throws what the operating system says when the program cannot be started at all.
 */
export async function spawnPostgresProgram(
  account: PostgresAccount,
  program: string,
  programArguments: readonly string[],
  line: (line: string) => void,
): Promise<RunningProgram> {
  const launcher = account.kind === "self" ? [] : account.launcher;
  const [command = program, ...rest] = [...launcher, program, ...programArguments];
  const child = spawn(command, rest, {
    // PGDATA, PGPORT, LD_PRELOAD and the like must not reach it; LC_ALL=C because we read its messages.
    env: { PATH: process.env.PATH, LC_ALL: "C", TZ: "UTC" },
    cwd: "/",
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    ...(account.kind === "other" && launcher.length === 0 ? { uid: account.uid, gid: account.gid } : {}),
  });
  const kept: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (text) => {
      kept.push(text);
      if (kept.length > OUTPUT_LINES_KEPT) kept.shift();
      line(text);
    });
  }
  const ended = new Promise<Ending>((resolve) => {
    // "close", not "exit": its last words have been read by then.
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
  return { child, ended, output: () => kept.join("\n") };
}
