import { requireNode } from "./require-node.mjs";

requireNode();
const { bootstrap } = await import("./bootstrap.mjs");
const { runInForeground, runScript } = await import("./phase.mjs");
const { root } = await import("./root.mjs");

// Compiles the benchmarks of a directory and runs one: `bench.mjs <directory> <compiled file> [arguments]`.
const [directory, file, ...rest] = process.argv.slice(2);

await runScript(async () => {
  await bootstrap();
  const compiled = await runInForeground(process.execPath, ["node_modules/typescript/bin/tsc", "-p", directory], {
    cwd: root,
  });
  return compiled === 0 ? await runInForeground(process.execPath, [file, ...rest], { cwd: root }) : compiled;
});
