import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

// scripts/*.mjs run before anything is installed or built; here they are run as they are, in processes of their own.
const scripts = new URL("../../../scripts/", import.meta.url);
let directory: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "dripline-scripts-"));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(directory, { recursive: true });
});

function node(program: string) {
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  const output = { text: "" };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      output.text += chunk;
    });
  }
  return { child, output, ended: once(child, "close").then(([code]) => ({ code, output: output.text })) };
}

async function says(process: { child: ChildProcess; output: { text: string } }, text: string): Promise<void> {
  while (!process.output.text.includes(text)) await once(process.child.stdout as NodeJS.ReadableStream, "data");
}

describe("several commands at once", () => {
  const takeTurns = (lock: string, work: string) => `
    import { appendFileSync } from "node:fs";
    import { takeTurns } from ${JSON.stringify(new URL("take-turns.mjs", scripts).href)};
    await takeTurns(${JSON.stringify(lock)}, async () => { ${work} });`;

  test("take turns", async () => {
    const lock = join(directory, "locks", "lock");
    const record = join(directory, "record");
    const write = (what: string) => `appendFileSync(${JSON.stringify(record)}, "${what}\\n");`;
    const work = `${write("in")} await new Promise((resolve) => setTimeout(resolve, 100)); ${write("out")}`;
    const runs = Array.from({ length: 3 }, () => node(takeTurns(lock, work)));
    expect((await Promise.all(runs.map(({ ended }) => ended))).map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(readFileSync(record, "utf8")).toBe("in\nout\n".repeat(3));
    expect(existsSync(lock)).toBe(false);
  });

  test("do not wait for one that was killed", async () => {
    const lock = join(directory, "lock");
    const first = node(
      takeTurns(lock, `console.log("in"); await new Promise((resolve) => setTimeout(resolve, 60_000));`),
    );
    await says(first, "in");
    first.child.kill("SIGKILL");
    await first.ended;
    expect(existsSync(lock)).toBe(true);
    expect(await node(takeTurns(lock, `console.log("in");`)).ended).toEqual({ code: 0, output: "in\n" });
  });

  test.runIf(process.platform === "linux")("do not wait for a later process with the same pid", async () => {
    const lock = join(directory, "lock");
    writeFileSync(lock, JSON.stringify({ pid: process.pid, startedAt: "1" }));
    expect(await node(takeTurns(lock, `console.log("in");`)).ended).toEqual({ code: 0, output: "in\n" });
  });

  test("say that they wait", async () => {
    const lock = join(directory, "lock");
    const first = node(
      takeTurns(
        lock,
        `console.log("in"); const busy = setInterval(() => {}, 1_000); await new Promise((resolve) => process.once("SIGTERM", resolve)); clearInterval(busy);`,
      ),
    );
    await says(first, "in");
    const second = node(takeTurns(lock, `console.log("second");`));
    while (!second.output.text.includes("waiting for it"))
      await once(second.child.stderr as NodeJS.ReadableStream, "data");
    first.child.kill("SIGTERM");
    expect((await second.ended).output).toMatch(/second\n$/);
  });
});

describe("whether to build", () => {
  const stampProgram = () => `
    import { isEverythingBuilt, sourceStamp } from ${JSON.stringify(new URL("source-stamp.mjs", scripts).href)};
    console.log(JSON.stringify([sourceStamp(${JSON.stringify(directory)}), isEverythingBuilt(${JSON.stringify(directory)})]));`;
  const stamp = async () => JSON.parse((await node(stampProgram()).ended).output) as [string, boolean];
  const write = (path: string, content: string) => {
    mkdirSync(join(directory, path, ".."), { recursive: true });
    writeFileSync(join(directory, path), content);
  };

  test("changes with a source, a setting or the lockfile, not with a test", async () => {
    for (const file of ["pnpm-lock.yaml", "pnpm-workspace.yaml", "tsconfig.base.json", "turbo.json"]) write(file, "1");
    for (const file of ["package.json", "tsconfig.json", "src/deep/one.ts"]) write(`packages/a/${file}`, "1");
    mkdirSync(join(directory, "apps"));
    const [first, isBuilt] = await stamp();
    expect(isBuilt).toBe(false);
    write("packages/a/dist/one.js", "1");
    write("packages/a/src/one.test.ts", "1");
    expect(await stamp()).toEqual([first, true]);

    const seen = new Set([first]);
    for (const file of ["packages/a/src/deep/one.ts", "packages/a/src/two.ts", "turbo.json", "pnpm-lock.yaml"]) {
      write(file, "12");
      seen.add((await stamp())[0]);
    }
    expect(seen.size).toBe(5);
    // Same size, other time: an edit that replaces one letter.
    utimesSync(join(directory, "packages/a/src/two.ts"), 1, 1);
    seen.add((await stamp())[0]);
    expect(seen.size).toBe(6);
  });
});
