import { writeSync } from "node:fs";
import type { SerializedError } from "vitest";
import type { Reporter, TestModule, TestRunEndReason, TestSuite, Vitest } from "vitest/node";

export type TestCounts = { passed: number; failed: number; skipped: number };

/**
 * Ends the output of a run with `tests: N passed, N failed, N skipped`, alone on the last line, for people and scripts
 * that read nothing else. What fails outside a test (a hook, a file that cannot be loaded, an unhandled error, the
 * start of the services) counts as one failed test, so that "0 failed" always means that the run succeeded.
 */
export class SummaryReporter implements Reporter {
  #isWatching = false;

  onInit(vitest: Vitest): void {
    this.#isWatching = vitest.config.watch;
  }

  onTestRunEnd(
    modules: readonly TestModule[],
    unhandledErrors: readonly SerializedError[],
    reason: TestRunEndReason,
  ): void {
    const counts = countTests(modules, unhandledErrors, reason);
    const line = `tests: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`;
    // vitest and the services' teardown may still have something to say. Written without the stream, which may not
    // flush any more once the process exits.
    if (this.#isWatching) process.stdout.write(line);
    else process.once("exit", () => writeSync(1, line));
  }
}

function countTests(
  modules: readonly TestModule[],
  unhandledErrors: readonly SerializedError[],
  reason: TestRunEndReason,
): TestCounts {
  const counts: TestCounts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
  for (const module of modules) {
    counts.failed += failuresOutsideTests(module);
    for (const suite of module.children.allSuites()) counts.failed += failuresOutsideTests(suite);
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      // Pending: the run was cut off before its turn.
      counts[state === "pending" ? "skipped" : state] += 1;
    }
  }
  if (reason !== "passed" && counts.failed === 0) counts.failed = 1;
  return counts;
}

function failuresOutsideTests(suite: TestModule | TestSuite): number {
  return suite.errors().length > 0 ? 1 : 0;
}
