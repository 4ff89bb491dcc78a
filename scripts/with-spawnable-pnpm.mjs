// Runs a program, given as arguments, that itself starts pnpm. Where install scripts are blocked, pnpm's command is a
// shell script without a first line that says so: shells run it, but programs such as turbo cannot ("Exec format error").
// It then gets a wrapper that they can.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { delimiter, join } from "node:path";

const [program, ...args] = process.argv.slice(2);
const path = process.env.PATH ?? "";
const pnpm = path
  .split(delimiter)
  .map((directory) => join(directory, "pnpm"))
  .find((file) => existsSync(file));
const isBareScript = pnpm !== undefined && readFileSync(pnpm).subarray(0, 2).toString() === "# ";
const wrapperDirectory = isBareScript ? mkdtempSync(join(tmpdir(), "dripline-pnpm-")) : undefined;
if (wrapperDirectory !== undefined) {
  const wrapper = `#!/bin/sh\nexec /bin/sh '${pnpm.replaceAll("'", "'\\''")}' "$@"\n`;
  writeFileSync(join(wrapperDirectory, "pnpm"), wrapper, { mode: 0o755 });
}
const { status, signal, error } = spawnSync(program, args, {
  stdio: "inherit",
  env: { ...process.env, PATH: wrapperDirectory === undefined ? path : `${wrapperDirectory}${delimiter}${path}` },
});
if (wrapperDirectory !== undefined) rmSync(wrapperDirectory, { recursive: true, force: true });
if (error !== undefined) console.error(error.message);
process.exitCode = status ?? (signal === null ? 1 : 128 + constants.signals[signal]);
