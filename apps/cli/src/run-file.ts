import { readFileSync, rmSync } from "node:fs";
import { configEntries } from "@dripline/runtime/config-variables";
import { type Installation, writePrivateFile } from "./installation.ts";
import { UserError } from "./user-error.ts";

/** What `up` writes when it is ready, for the other commands: the environment its services run with, and where they are. */
export interface RunFile {
  readonly url: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** What commands read. */
const kept = configEntries.flatMap(([name, { readBy }]) => (readBy.includes("command") ? [name] : []));

export function writeRunFile(installation: Installation, url: string, environment: NodeJS.ProcessEnv): void {
  const entries = kept.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]]));
  const content: RunFile = { url, environment: Object.fromEntries(entries) };
  writePrivateFile(installation.runFile, `${JSON.stringify(content, null, 2)}\n`);
}

export function removeRunFile(installation: Installation): void {
  rmSync(installation.runFile, { force: true });
}

/** @throws UserError when it belongs to somebody else */
export function readRunFile(installation: Installation): RunFile | undefined {
  try {
    return JSON.parse(readFileSync(installation.runFile, "utf8")) as RunFile;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EACCES") return undefined;
    throw new UserError(
      `${installation.runFile} belongs to another user: run the command as the user who started Dripline.`,
    );
  }
}
