import { spawn } from "node:child_process";
import { constants } from "node:os";

/** Something the person at the terminal can understand and act on. Shown without a stack trace. */
export class ScriptError extends Error {}

const tailLinesMax = 25;

/**
 * Runs a program behind one calm line ("Installing dependencies… 21 s"), on standard error, so that a command's own
 * output stays clean. What the program prints is shown only when it fails: its last lines, and what to do.
 */
export async function runPhase({ title, failed, command, args, cwd, env }) {
  process.stderr.write(`${title}… `);
  const startedAt = performance.now();
  const child = spawn(command, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const keep = (chunk) => {
    output = (output + chunk).slice(-64_000);
  };
  child.stdout.setEncoding("utf8").on("data", keep);
  child.stderr.setEncoding("utf8").on("data", keep);
  const code = await new Promise((resolve) => {
    child.on("error", (error) => {
      keep(`${command}: ${error.message}\n`);
      resolve(1);
    });
    child.on("close", (exitCode, signal) => resolve(exitCode ?? 128 + constants.signals[signal]));
  });
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  process.stderr.write(code === 0 ? `${seconds} s\n` : "failed\n");
  if (code !== 0) throw new ScriptError(explain({ failed, output }));
}

function explain({ failed, output }) {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours, which are for terminals
  const plain = output.replace(/\u001b\[[0-9;]*[A-Za-z]/g, "").trimEnd();
  const tail = plain.split("\n").slice(-tailLinesMax);
  return [...tail.map((line) => `  | ${line}`), `${failed} ${whatToDo(plain)}`].join("\n");
}

function whatToDo(output) {
  if (/ENOSPC|No space left|EDQUOT/i.test(output))
    return "The disk is full: free some space and run the command again.";
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ERR_SOCKET_TIMEOUT|ENETUNREACH/.test(output)) {
    return "The package registry could not be reached: check the network (or the proxy) and run the command again.";
  }
  if (/OUTDATED_LOCKFILE/.test(output)) {
    return "pnpm-lock.yaml does not belong to these package.json files: run `pnpm install`, or undo the change.";
  }
  if (/EACCES|EPERM|EROFS|[Pp]ermission denied/.test(output)) {
    return "A file or directory is not writable for this user: change its owner (an earlier run as root?) and run the command again.";
  }
  return "The lines above say why; correct that and run the command again.";
}

/** Runs a program in the foreground, with the terminal as its own, and returns its exit code. */
export async function runInForeground(command, args, options) {
  // Ctrl-C reaches the program as well; it decides when to end, and this process ends after it.
  const ignore = () => {};
  process.on("SIGINT", ignore);
  const child = spawn(command, args, { stdio: "inherit", ...options });
  const forward = () => child.kill("SIGTERM");
  process.on("SIGTERM", forward);
  try {
    return await new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
    });
  } finally {
    process.off("SIGINT", ignore);
    process.off("SIGTERM", forward);
  }
}

/** Runs an entry script's work; a {@link ScriptError} becomes its message and exit code 1. */
export async function runScript(work) {
  try {
    const code = await work();
    if (code !== undefined) process.exitCode = code;
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
