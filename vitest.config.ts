import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { SummaryReporter } from "./packages/testkit/src/summary-reporter.ts";

// Packages resolve to each other's sources, so a test run needs no build. Only tests/ (which start the real
// processes) use what `pnpm build` made.
// Without vite's own "module": what stands under it in @opentelemetry/api only a bundler can load.
const conditions = ["dripline-source", "node", "development|production"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  // Where vitest loads globalSetup: by default it takes what it finds in node_modules for built packages.
  environments: { __vitest__: { resolve: { conditions, noExternal: [/^@dripline\//] } } },
  test: {
    include: ["{apps,packages}/*/src/**/*.test.ts", "tests/**/*.test.ts"],
    globalSetup: ["packages/testkit/src/global-setup.ts", "apps/api/src/testing/every-problem.ts"],
    reporters: ["default", new SummaryReporter()],
    // vitest takes one core fewer than there are, which on two cores is one file after the other; many files mostly wait.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
