import { explainDatabaseError } from "@dripline/db/explain-database-error";
import { describe, expect, test } from "vitest";
import { explainFailure } from "./explain-failure.ts";
import { UserError } from "./user-error.ts";

function systemError(code: string, fields: object = {}): Error {
  return Object.assign(new Error(`${code}: told by the system\n    at somewhere`), { code, ...fields });
}

describe("what ends a command", () => {
  test.each([
    [new UserError("Do this."), "Do this."],
    [systemError("EACCES", { path: "/x/.dripline" }), /^No permission to write \/x\/\.dripline\. .*--dir/],
    [systemError("EROFS", { path: "/x" }), /read-only.*--dir/],
    [systemError("ENOSPC"), /^The disk is full\. Free some space/],
    [systemError("ENOTDIR", { path: "/x/file/logs" }), /^Cannot make \/x\/file\/logs: part of that path is a file/],
    [systemError("EADDRINUSE", { port: 4601 }), /^Port 4601 is taken\. .*--port/],
    [new Error("surprise\nsecond line"), "Unexpected: surprise (DRIPLINE_DEBUG=1 shows where)."],
    ["text", "Unexpected: text (DRIPLINE_DEBUG=1 shows where)."],
  ])("is told without a stack trace: %s", (error, sentence) => {
    expect(explainFailure(error)).toMatch(sentence);
    expect(explainFailure(error)).not.toContain("\n");
  });
});

describe("a database that cannot be used", () => {
  const url = "postgres://app:hunter2@db.example.com:5432/drip";

  test.each([
    ["ECONNREFUSED", /^No PostgreSQL answers at db\.example\.com:5432/],
    ["ENOTFOUND", /db\.example\.com cannot be found/],
    ["28P01", /refuses the user app/],
    ["3D000", /has no database "drip".*createdb drip/],
    ["42501", /GRANT/],
    ["25006", /can only be read/],
    ["53100", /disk of PostgreSQL at db\.example\.com:5432 is full/],
    ["53300", /no connections left/],
  ])("is told as a sentence with what to do, never with the password: %s", (code, sentence) => {
    const text = explainDatabaseError(new Error("wrapped", { cause: systemError(code) }), url);
    expect(text).toMatch(sentence);
    expect(text).not.toContain("hunter2");
  });

  test("is found behind a host with several addresses", () => {
    const error = new AggregateError([systemError("ECONNREFUSED"), systemError("ECONNREFUSED")]);
    expect(explainDatabaseError(error, url)).toMatch(/No PostgreSQL answers/);
  });

  test("is not blamed for other errors", () => {
    expect(explainDatabaseError(new Error("syntax error"), url)).toBeUndefined();
  });
});
