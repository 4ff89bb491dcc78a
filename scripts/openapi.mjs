import { requireNode } from "./require-node.mjs";

requireNode();
const { readFileSync, writeFileSync } = await import("node:fs");
const { join } = await import("node:path");
const { bootstrap } = await import("./bootstrap.mjs");
const { runScript, ScriptError } = await import("./phase.mjs");
const { root } = await import("./root.mjs");

// Writes openapi.json from the contract; with --check only says whether it is what it would be.
const file = join(root, "openapi.json");

await runScript(async () => {
  await bootstrap();
  const { openApiDocument } = await import("../packages/contract/dist/openapi.js");
  const { operations } = await import("../packages/contract/dist/operations.js");
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  // A place that stands for wherever it is hosted: the running server gives its own address.
  const document = openApiDocument({ operations, version, serverUrl: "http://127.0.0.1:4600" });
  const text = `${JSON.stringify(document, null, 1)}\n`;
  if (!process.argv.includes("--check")) return writeFileSync(file, text);
  if (readOr("", file) !== text) {
    throw new ScriptError("openapi.json is not what the contract says. Run: npm run openapi, and commit the file.");
  }
});

function readOr(otherwise, path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return otherwise;
  }
}
