import { readFileSync, rmSync } from "node:fs";
import { type Installation, writePrivateFile } from "./installation.ts";
import { UserError } from "./user-error.ts";

/** What `up` writes when it is ready, for the other commands: the environment its services run with, and where they are. */
export interface RunFile {
  readonly url: string;
  readonly environment: Readonly<Record<string, string>>;
}

const kept = [
  "DATABASE_URL",
  "REDIS_URL",
  "SMTP_URL",
  "DRIPLINE_SECRET",
  "MAIL_FROM",
  "PUBLIC_URL",
  "API_HOST",
  "API_PORT",
  "DRIPLINE_DAY_LENGTH",
  "SENDS_PER_SECOND_MAX",
  "SENDER_SENDS_PER_DAY_MAX",
  "CONTACT_GAP_MINUTES",
  "OVERDUE_GAP_MINUTES",
] as const;

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
