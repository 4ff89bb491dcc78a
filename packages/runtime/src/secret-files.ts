import { readFileSync } from "node:fs";
import type { ConfigProblem } from "./config-problem.ts";
import { configEntries, type Environment } from "./config-variables.ts";

/** Variables whose value may be put in a file that `<NAME>_FILE` names, as Docker and Kubernetes hand out secrets. */
export const secretVariables = configEntries.flatMap(([name, { isSecret }]) => (isSecret ? [name] : []));

/**
 * Replaces every `<NAME>_FILE` by the content of the file, without line breaks at its end and what some editors put before
 * the first letter (a byte order mark): nobody sees them, and a secret with them would be another one.
 * What cannot be read is left unset and reported as a problem; the content is never part of a message.
 */
export function readSecretFiles(env: Environment): { env: Environment; problems: ConfigProblem[] } {
  const expanded: Record<string, string | undefined> = { ...env };
  const problems: ConfigProblem[] = [];
  for (const variable of secretVariables) {
    const fileVariable = `${variable}_FILE`;
    const path = env[fileVariable];
    if (path === undefined || path === "") continue;
    if (env[variable] !== undefined && env[variable] !== "") {
      problems.push({
        variable: fileVariable,
        problem: `is set together with ${variable}`,
        remedy: "keep one of the two",
      });
      continue;
    }
    try {
      const value = readFileSync(path, "utf8")
        .replace(/^\uFEFF/, "")
        .replace(/[\r\n]+$/, "");
      if (value.trim() === "") throw Object.assign(new Error("empty"), { code: "it is empty" });
      if (/[\r\n]/.test(value)) throw Object.assign(new Error("lines"), { code: "it has more than one line" });
      expanded[variable] = value;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
      problems.push({
        variable: fileVariable,
        problem: `names a file that cannot be used: ${path} (${code})`,
        remedy: "the path of a file that this user can read and that holds nothing but the value",
      });
    }
  }
  return { env: expanded, problems };
}
