import type { Finding } from "./finding.ts";

const wanted = { major: 20, minor: 19 };

/** `version` as in process.versions.node. */
export function lookAtNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const isNewEnough = major > wanted.major || (major === wanted.major && minor >= wanted.minor);
  return isNewEnough
    ? { kind: "good", text: `Node.js ${version}` }
    : { kind: "bad", text: `Node.js ${version}`, remedy: `Install ${wanted.major}.${wanted.minor} or newer.` };
}
