import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";

const reporter = fileURLToPath(new URL("./summary-reporter.ts", import.meta.url));
const vitest = path.join(path.dirname(createRequire(import.meta.url).resolve("vitest/package.json")), "vitest.mjs");

let project: string;

beforeEach(async () => {
  project = await mkdtemp(path.join(tmpdir(), "dripline-summary-"));
});

afterEach(() => rm(project, { recursive: true }));

/** Runs vitest on files of these contents; returns the last line of its output. */
async function lastLineOf(files: Record<string, string>, globalSetup = "export function setup() {}") {
  await writeFile(path.join(project, "global-setup.mjs"), globalSetup);
  await writeFile(
    path.join(project, "vitest.config.ts"),
    `import { SummaryReporter } from ${JSON.stringify(reporter)};
     export default { test: { globals: true, globalSetup: ["global-setup.mjs"], reporters: ["default", new SummaryReporter()] } };`,
  );
  for (const [name, content] of Object.entries(files)) await writeFile(path.join(project, name), content);
  return new Promise<string>((resolve) => {
    const { VITEST: _, VITEST_POOL_ID: __, ...env } = process.env;
    execFile(process.execPath, [vitest, "run"], { cwd: project, env }, (_error, stdout) => {
      expect(stdout.endsWith("\n")).toBe(true);
      resolve(stdout.trimEnd().split("\n").at(-1) ?? "");
    });
  });
}

test("the last line counts every test once, by how it ended", async () => {
  const line = await lastLineOf({
    "a.test.js":
      "test('1', () => {}); test('2', () => { throw new Error() }); test.skip('3', () => {}); test.todo('4');",
    "b.test.js": "describe('inner', () => { test('5', () => {}); test('6', (context) => context.skip()) });",
  });

  expect(line).toBe("tests: 2 passed, 1 failed, 3 skipped");
});

test("it stays the last line although the services say something as they stop", async () => {
  const noisy = "export function setup() { return async () => console.log('stopped at last') }";

  expect(await lastLineOf({ "a.test.js": "test('1', () => {})" }, noisy)).toBe("tests: 1 passed, 0 failed, 0 skipped");
});

test.each([
  ["a file that cannot be loaded", "throw new Error('broken')", "tests: 0 passed, 1 failed, 0 skipped"],
  [
    "a hook before the tests",
    "describe('x', () => { beforeAll(() => { throw new Error() }); test('1', () => {}) })",
    "tests: 0 passed, 1 failed, 1 skipped",
  ],
  [
    "a hook after the tests",
    "afterAll(() => { throw new Error() }); test('1', () => {})",
    "tests: 1 passed, 1 failed, 0 skipped",
  ],
  [
    "a promise nobody waits for",
    "test('1', () => { Promise.reject(new Error('stray')) })",
    "tests: 1 passed, 1 failed, 0 skipped",
  ],
])("%s that fails is counted as failed", async (_what, content, expected) => {
  expect(await lastLineOf({ "a.test.js": content })).toBe(expected);
});

test("services that do not start are counted as failed", async () => {
  const broken = "export function setup() { throw new Error('no PostgreSQL') }";

  expect(await lastLineOf({ "a.test.js": "test('1', () => {})" }, broken)).toMatch(/^tests: 0 passed, 1 failed/);
});
