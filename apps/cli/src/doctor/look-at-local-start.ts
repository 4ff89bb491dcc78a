import { accessSync, constants, existsSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { isPortFree } from "@dripline/embedded/free-port";
import { defaultPort, portsFrom } from "../ports.ts";
import type { Finding } from "./finding.ts";

/** A new database takes 40 MB, and PostgreSQL wants room to breathe. */
const freeMegabytesMin = 300;

/** Whether `npm start` would find what it needs, when nothing runs and no address is set. */
export async function lookAtLocalStart(directory: string): Promise<Finding[]> {
  const findings = [lookAtDirectory(directory)];
  for (const [part, port] of Object.entries(portsFrom(defaultPort))) {
    findings.push(
      (await isPortFree(port))
        ? { kind: "good", text: `port ${port} is free (${part})` }
        : {
            kind: "bad",
            text: `port ${port} is taken (${part})`,
            remedy: "Stop what uses it, or: npm start -- --port 4700",
          },
    );
  }
  return findings;
}

function lookAtDirectory(directory: string): Finding {
  let existing = directory;
  while (!existsSync(existing)) existing = dirname(existing);
  try {
    accessSync(existing, constants.W_OK | constants.X_OK);
  } catch {
    return {
      kind: "bad",
      text: `${existing} is not writable`,
      remedy: "Change its owner or mode, or: npm start -- --dir <another>",
    };
  }
  const { bavail, bsize } = statfsSync(existing);
  const freeMegabytes = Math.floor((bavail * bsize) / 1_048_576);
  return freeMegabytes >= freeMegabytesMin
    ? { kind: "good", text: `${directory} is writable, ${freeMegabytes} MB free` }
    : { kind: "bad", text: `only ${freeMegabytes} MB free for ${directory}`, remedy: `Free ${freeMegabytesMin} MB.` };
}
