import { EmbeddedPostgresError } from "./embedded-postgres-error.ts";

export type FailedRun = { program: string; directory: string; port?: number; output: string };

/**
 * Turns what initdb or postgres printed before it gave up into a sentence for the person at the terminal. The texts are
 * PostgreSQL's English ones: both programs are started with LC_ALL=C.
 */
export function explainPostgresFailure(run: FailedRun): EmbeddedPostgresError {
  const { program, directory, port, output } = run;
  const options = { cause: output.trim() };

  if (/No space left on device|Disk quota exceeded|Check free disk space/i.test(output)) {
    return new EmbeddedPostgresError(
      "disk_full",
      `There is no disk space left for the database in ${directory}. Free some space and start again; nothing that was committed is lost.`,
      options,
    );
  }
  if (/could not bind IPv4 address|could not create any TCP\/IP sockets/.test(output)) {
    return portTaken(port ?? 0, options);
  }
  if (/lock file "postmaster\.pid" already exists/.test(output)) {
    return new EmbeddedPostgresError(
      "already_running",
      `The database in ${directory} is already running. Stop the process that uses it first.`,
      options,
    );
  }
  if (/initialized by PostgreSQL version|database files are incompatible with server/.test(output)) {
    return new EmbeddedPostgresError(
      "wrong_version",
      `The database in ${directory} was made by another version of PostgreSQL. Move that directory away, or set DATABASE_URL to a server that can read it.`,
      options,
    );
  }
  if (/Permission denied|Operation not permitted|Read-only file system/i.test(output)) {
    return new EmbeddedPostgresError(
      "directory_not_writable",
      `PostgreSQL may not read or write what it needs in ${directory}. Check who owns that directory, or set DATABASE_URL to use a server of your own.`,
      options,
    );
  }
  if (/error while loading shared libraries|Library not loaded/.test(output)) {
    return new EmbeddedPostgresError(
      "broken_installation",
      `${program} lacks one of its libraries. Remove node_modules and install again, or set DATABASE_URL to use a server of your own.`,
      options,
    );
  }
  const lines = output.trim().split("\n");
  // initdb's progress goes to another stream than its errors, so that the last line need not be the telling one.
  const telling = lines.findLast((line) => /\b(FATAL|PANIC|error):/.test(line)) ?? lines.at(-1) ?? "";
  return new EmbeddedPostgresError(
    "failed_to_start",
    `${program} gave up for the database in ${directory}${telling === "" ? "" : `; it said: ${telling}`}.`,
    options,
  );
}

export function portTaken(port: number, options?: { cause: unknown }): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    "port_taken",
    `Port ${port} on 127.0.0.1 is taken by another program. Stop that program, or choose another port for the database.`,
    options,
  );
}
