import { readFileSync } from "node:fs";

/**
 * Ends the process with one sentence if this Node.js is older than package.json's `engines` asks for. The entry scripts
 * import everything else after this, and this file keeps to syntax that very old versions read as well.
 */
export function requireNode() {
  const { engines } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const [, major, minor] = /(\d+)\.(\d+)/.exec(engines.node);
  const [runningMajor, runningMinor] = process.versions.node.split(".");
  const isNewEnough = +runningMajor > +major || (+runningMajor === +major && +runningMinor >= +minor);
  if (isNewEnough) return;
  console.error(
    `Dripline needs Node.js ${major}.${minor} or newer, and this is ${process.versions.node}. ` +
      "Install a newer one (https://nodejs.org, or: nvm install --lts) and run the command again.",
  );
  process.exit(1);
}
