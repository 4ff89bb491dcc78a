import { accessSync, constants, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { runPhase } from "./phase.mjs";
import { root } from "./root.mjs";

/**
 * Runs a program behind one line, with the pnpm that package.json pins on its PATH. npm fetches that pnpm and keeps it in
 * its cache; nothing is installed globally.
 */
export async function runWithPnpm({ title, failed, program }) {
  const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const npm = npmCommand();
  const { env, cleanUp } = quietEnvironment();
  try {
    const args = [
      ...npm.args,
      "exec",
      "--yes",
      "--include=optional",
      `--package=${packageManager.replace(/\+.*/, "")}`,
      "--",
      ...program,
    ];
    await runPhase({ title, failed, command: npm.command, args, cwd: root, env });
  } finally {
    cleanUp();
  }
}

/** The npm that started us, else the one beside this Node.js, else whatever PATH has. */
function npmCommand() {
  const ours = process.env.npm_execpath ?? "";
  const beside = join(dirname(process.execPath), "..", "lib", "node_modules", "npm", "bin", "npm-cli.js");
  const script = /npm-cli\.c?js$/.test(ours) && existsSync(ours) ? ours : existsSync(beside) ? beside : undefined;
  return script === undefined ? { command: "npm", args: [] } : { command: process.execPath, args: [script] };
}

function quietEnvironment() {
  const env = {
    ...process.env,
    CI: "true", // nobody is there to answer questions
    DO_NOT_TRACK: "1",
    TURBO_TELEMETRY_DISABLED: "1",
    TURBO_NO_UPDATE_NOTIFIER: "1",
    npm_config_update_notifier: "false",
    npm_config_loglevel: "error",
  };
  // A machine set up for production would leave out the compiler.
  for (const name of ["NODE_ENV", "npm_config_production", "npm_config_omit", "npm_config_only", "npm_config_optional"])
    delete env[name];
  if (isWritableHome()) return { env, cleanUp: () => {} };
  // npm and pnpm keep caches in the home directory and give up without one. Service users often have none.
  const home = mkdtempSync(join(tmpdir(), "dripline-home-"));
  for (const name of ["XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "PNPM_HOME"])
    delete env[name];
  env.HOME = home;
  env.npm_config_cache = join(home, ".npm");
  return { env, cleanUp: () => rmSync(home, { recursive: true, force: true }) };
}

function isWritableHome() {
  try {
    const home = homedir();
    if (home === "") return false;
    accessSync(home, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
