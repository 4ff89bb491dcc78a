import { expect, test } from "vitest";
import type { EmbeddedPostgresFailure } from "./embedded-postgres-error.ts";
import { explainPostgresFailure } from "./explain-postgres-failure.ts";

// As PostgreSQL 18.4 and its initdb printed them.
const cases: [EmbeddedPostgresFailure, string][] = [
  [
    "disk_full",
    'FATAL:  could not write to file "pg_wal/xlogtemp.31003": No space left on device\nchild process exited with exit code 1',
  ],
  [
    "disk_full",
    'FATAL:  could not extend file "base/1/2691": wrote only 4096 of 8192 bytes at block 10\nHINT:  Check free disk space.\nPANIC:  cannot abort transaction 1, it was already committed',
  ],
  ["disk_full", 'FATAL:  could not write lock file "postmaster.pid": No space left on device'],
  [
    "port_taken",
    'LOG:  could not bind IPv4 address "127.0.0.1": Address already in use\nFATAL:  could not create any TCP/IP sockets',
  ],
  [
    "already_running",
    'FATAL:  lock file "postmaster.pid" already exists\nHINT:  Is another postmaster (PID 4711) running?',
  ],
  [
    "wrong_version",
    "FATAL:  database files are incompatible with server\nDETAIL:  The data directory was initialized by PostgreSQL version 15",
  ],
  ["directory_not_writable", 'FATAL:  could not open file "/data/global/pg_control": Permission denied'],
  [
    "broken_installation",
    "postgres: error while loading shared libraries: libicuuc.so.60: cannot open shared object file",
  ],
  ["failed_to_start", 'FATAL:  invalid value for parameter "max_connections": "no"'],
];

test.each(cases)(
  "%s is told from what PostgreSQL printed, in one sentence about that directory or port",
  (failure, output) => {
    const error = explainPostgresFailure({ program: "postgres", directory: "/somewhere", port: 5433, output });

    expect(error.failure).toBe(failure);
    expect(error.message).toMatch(
      failure === "port_taken" ? /5433/ : failure === "broken_installation" ? /libraries/ : /somewhere/,
    );
    expect(error.cause).toBe(output);
  },
);

test("of an unknown failure the telling line is shown, not the last progress message", () => {
  const output = "FATAL:  something new\nchild process exited with exit code 1\nrunning bootstrap script ... ";

  expect(explainPostgresFailure({ program: "initdb", directory: "/d", output }).message).toContain("something new");
});
