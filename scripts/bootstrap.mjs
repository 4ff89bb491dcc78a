import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ScriptError } from "./phase.mjs";
import { runWithPnpm } from "./pnpm.mjs";
import { root } from "./root.mjs";
import { dependencyStamp, isEverythingBuilt, sourceStamp } from "./source-stamp.mjs";
import { takeTurns } from "./take-turns.mjs";

const installStamp = join(root, "node_modules", ".dripline-install");
const buildStamp = join(root, "node_modules", ".dripline-build");

/**
 * Makes a clone ready to run: installs what is missing and builds what changed. Does nothing, in well under 100 ms, when
 * both are up to date. Several at once take turns.
 */
export async function bootstrap() {
  if (isInstalled() && isBuilt()) return;
  await takeTurns(join(root, ".turbo", "bootstrap.lock"), async () => {
    if (!isInstalled()) await install();
    if (!isBuilt()) await build();
  });
}

function isInstalled() {
  return readStamp(installStamp) === dependencyStamp(root);
}

function isBuilt() {
  return readStamp(buildStamp) === sourceStamp(root) && isEverythingBuilt(root);
}

async function install() {
  const isFirst = !existsSync(join(root, "node_modules"));
  rmSync(installStamp, { force: true });
  await runWithPnpm({
    title: isFirst
      ? "Installing dependencies (first time, about half a minute)"
      : "Bringing the dependencies up to date",
    failed: "The dependencies could not be installed.",
    program: ["pnpm", "install", "--frozen-lockfile", "--prod=false"],
  });
  writeStamp(installStamp, dependencyStamp(root));
}

async function build() {
  const stamp = sourceStamp(root); // before: what changes during the build is built next time
  rmSync(buildStamp, { force: true });
  await runWithPnpm({
    title: "Building",
    failed: "The build failed.",
    program: [
      process.execPath,
      join(root, "scripts", "with-spawnable-pnpm.mjs"),
      join(root, "node_modules", ".bin", "turbo"),
      "run",
      "build",
      "--ui=stream",
      "--output-logs=errors-only",
    ],
  });
  writeStamp(buildStamp, stamp);
}

function readStamp(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

function writeStamp(file, stamp) {
  try {
    writeFileSync(file, stamp);
  } catch (error) {
    throw new ScriptError(
      `Cannot write ${file} (${error.code}): make the directory writable for this user, or free some disk space.`,
    );
  }
}
