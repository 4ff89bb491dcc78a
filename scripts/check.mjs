import { requireNode } from "./require-node.mjs";

requireNode();
const { bootstrap } = await import("./bootstrap.mjs");
const { runInForeground, runScript, ScriptError } = await import("./phase.mjs");
const { root } = await import("./root.mjs");

/** All of them run, so that one round shows everything there is to correct. */
const checks = [
  ["biome", "check", "--error-on-warnings", "."],
  ["oxlint", "--type-aware", "--deny-warnings"],
  ["tsc", "--noEmit"],
  ["knip"],
];

await runScript(async () => {
  await bootstrap(); // oxlint takes the packages' types from dist
  const failed = [];
  for (const [name, ...args] of checks) {
    console.error(`▸ ${[name, ...args].join(" ")}`);
    const code = await runInForeground(`node_modules/.bin/${name}`, args, { cwd: root });
    if (code !== 0) failed.push(name);
  }
  console.error("▸ openapi --check");
  const code = await runInForeground(process.execPath, ["scripts/openapi.mjs", "--check"], { cwd: root });
  if (code !== 0) failed.push("openapi");
  if (failed.length > 0) throw new ScriptError(`Failed: ${failed.join(", ")}.`);
  console.error("All checks passed.");
});
