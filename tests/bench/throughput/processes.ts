import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "@dripline/embedded/free-port";
import { nodeFlags } from "@dripline/runtime/node-flags";
import { type Child, type ChildOptions, startChild } from "../../chaos/services/child.ts";
import { peakMemoryBytes } from "./cpu.ts";

const app = (name: "api" | "worker") =>
  fileURLToPath(new URL(`../../../../apps/${name}/dist/main.js`, import.meta.url));

/** Worker processes as they are in production, and what they needed. */
export interface Workers {
  readonly pids: readonly number[];
  /** The most memory that any of them had resident. */
  peakMemoryBytes(): Promise<number>;
  /** SIGTERM; throws when one does not end in order. */
  stop(): Promise<void>;
}

export async function startWorkers(
  count: number,
  env: Readonly<Record<string, string>>,
  { directory, profileDirectory }: { readonly directory: string; readonly profileDirectory: string | undefined },
): Promise<Workers> {
  const flags = profileDirectory === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profileDirectory}`];
  const children = Array.from({ length: count }, (_, index) => {
    const logPath = join(directory, `worker-${index}.log`);
    return start({ name: "worker", arguments: [...nodeFlags, ...flags, app("worker")], env, logPath });
  });
  await Promise.all(children.map(whenReady));
  const pids = children.map(({ pid }) => pid);
  return {
    pids,
    peakMemoryBytes: async () => Math.max(...(await Promise.all(pids.map(peakMemoryBytes)))),
    async stop() {
      await Promise.all(children.map(stopChild));
    },
  };
}

/** An API process as it is in production. */
export interface Api {
  /** Such as `http://127.0.0.1:4600`. */
  readonly url: string;
  readonly pid: number;
  /** SIGTERM; throws when it does not end in order. */
  stop(): Promise<void>;
}

export async function startApi(env: Readonly<Record<string, string>>, directory: string): Promise<Api> {
  const port = await freePort();
  const child = start({
    name: "api",
    arguments: [...nodeFlags, app("api")],
    env: { ...env, API_PORT: String(port) },
    logPath: join(directory, "api.log"),
  });
  await whenReady(child);
  return { url: `http://127.0.0.1:${port}`, pid: child.pid, stop: () => stopChild(child) };
}

/** A program of the benchmark's own that answers with one result: `onResult` looks at it while it still lives. */
export async function runProgram<Result>(
  name: string,
  programArguments: readonly string[],
  onResult: (result: Result, child: Child) => Promise<void>,
  directory: string,
  onReady?: (child: Child) => Promise<void>,
): Promise<void> {
  const path = fileURLToPath(new URL(`${name}.js`, import.meta.url));
  const results: Result[] = [];
  const { promise, resolve } = withResolver();
  const child = start({
    name,
    arguments: [path, ...programArguments],
    logPath: join(directory, `${name}.log`),
    onMessage(message) {
      results.push(message as Result);
      resolve();
    },
  });
  if (onReady !== undefined && (await child.ready)) await onReady(child);
  await Promise.race([promise, child.ended]);
  const [result] = results;
  if (result === undefined) throw new Error(`${name} ended without a result: see ${directory}/${name}.log`);
  await onResult(result, child);
  child.signal("SIGKILL");
  await child.ended;
}

/** However this process ends, what it started ends with it. */
function start(options: ChildOptions): Child {
  const child = startChild(options);
  const kill = () => child.signal("SIGKILL");
  process.once("exit", kill);
  void child.ended.then(() => process.off("exit", kill));
  return child;
}

function withResolver(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

async function whenReady(child: Child): Promise<void> {
  if (!(await child.ready)) throw new Error(`${child.name} did not start: see its log`);
}

async function stopChild(child: Child): Promise<void> {
  child.signal("SIGTERM");
  const { code } = await child.ended;
  if (code !== 0) throw new Error(`${child.name} did not end in order (${code}): see its log`);
}
