import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { operations } from "@dripline/contract/operations";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    problemNotes: string | undefined;
  }
}

/**
 * Around a test run: each problem that an operation documents as its own has to be provoked through HTTP by some test.
 * A run of some files only proves nothing and is not looked at.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const selected = project.vitest.state
    .getPaths()
    .filter((file) => /\/apps\/api\/src\/[^/]+\.it\.test\.ts$/.test(file));
  const all = await readdir(new URL("..", import.meta.url));
  const isWhole = selected.length === all.filter((name) => name.endsWith(".it.test.ts")).length;
  if (!isWhole || project.config.watch) {
    project.provide("problemNotes", undefined);
    return async () => {};
  }
  const directory = await mkdtemp(join(tmpdir(), "dripline-problems-"));
  project.provide("problemNotes", directory);
  return async () => {
    const provoked = new Set<string>();
    for (const name of await readdir(directory)) {
      for (const line of (await readFile(join(directory, name), "utf8")).split("\n")) provoked.add(line);
    }
    await rm(directory, { recursive: true });
    const missing = operations
      .flatMap(({ id, errors }) => errors.map((code) => `${id} ${code}`))
      .filter((documented) => !provoked.has(documented));
    if (missing.length === 0) return;
    // Not thrown: that would keep the services of the run from being stopped after this.
    process.exitCode = 1;
    process.stderr.write(`No test provokes these documented problems through HTTP:\n  ${missing.join("\n  ")}\n`);
  };
}
