import { defineConfig } from "vitest/config";

// Packages resolve to each other's sources, so a test run needs no build. Only tests/ (which start the real
// processes) use what `pnpm build` made.
const conditions = ["dripline-source", "module", "node", "development|production"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["{apps,packages}/*/src/**/*.test.ts", "tests/**/*.test.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
