import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const workspaceRoot = fileURLToPath(new URL("../../..", import.meta.url));

/** Everything that `dripline up` keeps, by file. */
export interface Installation {
  readonly directory: string;
  /** Held while `up` runs. */
  readonly lockFile: string;
  /** How to reach what runs, for the other commands. Gone when nothing runs in order. */
  readonly runFile: string;
  /** The processes of the last run, so that the next one knows what a killed one left behind. */
  readonly processesFile: string;
  readonly secretFile: string;
  readonly apiKeyFile: string;
  readonly logs: string;
  readonly postgres: string;
  readonly inbox: string;
}

/** The one that `npm start` uses. */
export const defaultDirectory = join(workspaceRoot, ".dripline");

export function installationAt(directory: string): Installation {
  return {
    directory,
    lockFile: join(directory, "lock"),
    runFile: join(directory, "run.json"),
    processesFile: join(directory, "processes.json"),
    secretFile: join(directory, "secret"),
    apiKeyFile: join(directory, "api-key"),
    logs: join(directory, "logs"),
    postgres: join(directory, "pg"),
    inbox: join(directory, "inbox"),
  };
}

/**
 * Makes the directory and the one for logs. Others may pass through (the account that PostgreSQL runs as when we are
 * root must), but not look around. Throws the system's error.
 */
export function makeInstallation(installation: Installation): void {
  mkdirSync(installation.logs, { recursive: true });
  chmodSync(installation.directory, 0o711);
}

/** Writes a file that only its owner may read, at once: a reader sees the old content or the new. */
export function writePrivateFile(file: string, content: string): void {
  const draft = `${file}.${process.pid}.tmp`;
  try {
    writeFileSync(draft, content, { mode: 0o600 });
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/** The content of a kept file, or undefined if there is none. Throws what else the system says. */
export function readKept(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
