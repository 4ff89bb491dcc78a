import { requireNode } from "./require-node.mjs";

requireNode();
const { bootstrap } = await import("./bootstrap.mjs");
const { runInForeground, runScript } = await import("./phase.mjs");
const { root } = await import("./root.mjs");

await runScript(async () => {
  await bootstrap();
  return await runInForeground(process.execPath, ["node_modules/vitest/vitest.mjs", "run", ...process.argv.slice(2)], {
    cwd: root,
  });
});
