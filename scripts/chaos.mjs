import { requireNode } from "./require-node.mjs";

requireNode();
const { bootstrap } = await import("./bootstrap.mjs");
const { runInForeground, runScript } = await import("./phase.mjs");
const { root } = await import("./root.mjs");

// Compiles the chaos runs and starts them: docs/reliability.md.
await runScript(async () => {
  await bootstrap();
  const compiled = await runInForeground(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tests/chaos"], {
    cwd: root,
  });
  if (compiled !== 0) return compiled;
  return await runInForeground(process.execPath, ["tests/dist/chaos/main.js", ...process.argv.slice(2)], { cwd: root });
});
