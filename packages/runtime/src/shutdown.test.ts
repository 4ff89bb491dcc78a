import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";

// Real processes and real signals. Node.js 20 cannot run TypeScript, so the one file is compiled for them.
const packageDirectory = fileURLToPath(new URL("..", import.meta.url));
const tsc = fileURLToPath(new URL("../../../node_modules/typescript/bin/tsc", import.meta.url));
let built: string;

beforeAll(() => {
  built = mkdtempSync(join(packageDirectory, "node_modules", ".shutdown-test-"));
  execFileSync(process.execPath, [tsc, "-p", packageDirectory, "--outDir", built, "--noCheck"]);
});
afterAll(() => rmSync(built, { recursive: true }));

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

/** A process that prints a line for everything that happens; `body` may use `shutdown`, `part` and `never`. */
function run(body: string, { graceSeconds = 20, ipc = false } = {}) {
  const program = `
    import { handleShutdown } from ${JSON.stringify(pathToFileURL(join(built, "shutdown.js")).href)};
    const print = (line) => process.stdout.write(line + "\\n");
    const write = (fields, message) => print(message + (fields.part ? " " + fields.part : "") + (fields.err ? ": " + fields.err.message : ""));
    const shutdown = handleShutdown({ log: { info: write, error: write, fatal: write }, graceSeconds: ${graceSeconds} });
    const part = (name, work = async () => {}) => shutdown.onClose(name, async () => { print("closing " + name); await work(); });
    const never = () => new Promise(() => {});
    setInterval(() => {}, 1_000);
    ${body}
    print("ready");
  `;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    stdio: ["ignore", "pipe", "inherit", ...(ipc ? ["ipc" as const] : [])],
  });
  children.push(child);
  let output = "";
  // Not "close": that never comes for a child whose IPC channel we closed ourselves.
  const ended = Promise.all([once(child, "exit"), once(child.stdout as NodeJS.ReadableStream, "end")]).then(
    ([[code, signal]]) => ({ code, signal, lines: output.trim().split("\n") }),
  );
  return {
    child,
    ended,
    async says(line: string): Promise<void> {
      while (!output.includes(`${line}\n`)) await once(child.stdout as NodeJS.ReadableStream, "data");
    },
    start() {
      child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
        output += chunk;
      });
      return this;
    },
  };
}

test.each(["SIGINT", "SIGTERM"] as const)(
  "%s closes the parts one after another, last opened first, and ends with 0",
  async (signal) => {
    const process = run(`
    part("database");
    part("queue", () => new Promise((resolve) => setTimeout(resolve, 100)));
    part("worker");
  `).start();
    await process.says("ready");
    process.child.kill(signal);
    expect(await process.ended).toEqual({
      code: 0,
      signal: null,
      lines: ["ready", "stopping", "closing worker", "closing queue", "closing database", "stopped"],
    });
  },
);

test("a part that fails to close does not keep the others open, and is told", async () => {
  const process = run(`
    part("database");
    part("queue", async () => { throw new Error("no answer"); });
  `).start();
  await process.says("ready");
  process.child.kill("SIGTERM");
  const { code, lines } = await process.ended;
  expect(lines).toContain("could not close in order queue: no answer");
  expect(lines).toContain("closing database");
  expect(code).toBe(1);
});

test("a part that never closes is given up after the grace period", async () => {
  const process = run(`part("worker", never);`, { graceSeconds: 0.3 }).start();
  await process.says("ready");
  process.child.kill("SIGTERM");
  const { code, lines } = await process.ended;
  expect(lines.at(-1)).toBe("gave up waiting for a part to close worker");
  expect(code).toBe(1);
});

test("the same Ctrl-C arriving twice, from the terminal and from npm, still stops in order", async () => {
  const process = run(`
    part("worker", () => new Promise((resolve) => process.once("SIGINT", () => setTimeout(resolve, 50))));
  `).start();
  await process.says("ready");
  process.child.kill("SIGINT");
  await process.says("closing worker");
  process.child.kill("SIGINT");
  expect((await process.ended).lines.at(-1)).toBe("stopped");
});

test("a second signal, from a person who does not want to wait, ends it at once", async () => {
  const process = run(
    `part("worker", () => { setTimeout(() => print("waited long"), 600); return never(); });`,
  ).start();
  await process.says("ready");
  process.child.kill("SIGINT");
  await process.says("waited long");
  process.child.kill("SIGINT");
  const { code, lines } = await process.ended;
  expect(lines.at(-1)).toBe("stopped at once by a second signal worker");
  expect(code).toBe(1);
});

test("it stops when the process that started it is gone", async () => {
  const process = run(`part("worker");`, { ipc: true }).start();
  await process.says("ready");
  process.child.disconnect();
  expect(await process.ended).toMatchObject({ code: 0, lines: ["ready", "stopping", "closing worker", "stopped"] });
});

test.each([
  ["an exception", `setTimeout(() => { throw new Error("broken"); });`],
  ["a rejection", `void Promise.reject(new Error("broken"));`],
])("%s that nobody caught is told, and ends it in order with 1", async (_, body) => {
  const { code, lines } = await run(`part("database"); ${body}`).start().ended;
  expect(lines).toEqual(expect.arrayContaining(["an error nobody caught: broken", "closing database"]));
  expect(code).toBe(1);
});

test("a part that is opened while stopping is closed as well", async () => {
  const process = run(`
    part("starting", async () => part("opened late"));
  `).start();
  await process.says("ready");
  process.child.kill("SIGTERM");
  expect((await process.ended).lines).toContain("closing opened late");
});
