import { requireNode } from "./require-node.mjs";

requireNode();
const { bootstrap } = await import("./bootstrap.mjs");
const { runScript, ScriptError } = await import("./phase.mjs");

await runScript(async () => {
  // Without the two dashes npm keeps the options for itself.
  const swallowed = ["day", "check", "port", "dir"].filter((name) => process.env[`npm_config_${name}`] !== undefined);
  if (process.env.npm_lifecycle_event === "start" && swallowed.length > 0) {
    throw new ScriptError(
      `npm kept --${swallowed[0]} for itself. Put two dashes before it: npm start -- --${swallowed[0]} …`,
    );
  }
  await bootstrap();
  process.argv.splice(2, 0, "up");
  await import("../apps/cli/dist/main.js"); // in this process: one less to start, and Ctrl-C has one place to arrive
});
