import { requireNode } from "./require-node.mjs";

requireNode();
const { bootstrap } = await import("./bootstrap.mjs");
const { runScript, ScriptError } = await import("./phase.mjs");

await runScript(async () => {
  // Without the two dashes npm keeps options for itself, and passes on what stood behind them.
  const kept = ["day", "check", "port", "dir"].find((name) => process.env[`npm_config_${name}`] !== undefined);
  const left = process.argv[2]?.startsWith("-") ? undefined : process.argv[2];
  if (process.env.npm_lifecycle_event === "start" && (kept ?? left) !== undefined) {
    const example = kept === undefined ? `--<option> ${left}` : `--${kept}`;
    throw new ScriptError(`npm kept an option for itself. Put two dashes before it: npm start -- ${example}`);
  }
  await bootstrap();
  process.argv.splice(2, 0, "up");
  await import("../apps/cli/dist/main.js"); // in this process: one less to start, and Ctrl-C has one place to arrive
});
