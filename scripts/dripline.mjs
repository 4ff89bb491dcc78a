import { requireNode } from "./require-node.mjs";

requireNode();
const { bootstrap } = await import("./bootstrap.mjs");
const { runScript } = await import("./phase.mjs");

await runScript(async () => {
  await bootstrap();
  await import("../apps/cli/dist/main.js");
});
