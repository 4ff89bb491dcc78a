import { expect, test } from "vitest";
import { lastWords } from "./last-words.ts";

test("what a process said before it ended is shown without stack traces and without small talk", () => {
  const log = [
    '{"level":"info","msg":"starting"}',
    '{"level":"fatal","err":{"message":"no such file"},"msg":"an error nobody caught"}',
    '{"level":"error","msg":"could not close in order"}',
    "2 settings are missing or wrong:",
    "  MAIL_FROM is not set. Write: …",
    "node:internal/modules/run_main:123",
    "    triggerUncaughtException(",
    "    ^",
    "",
    "Error: Cannot find module 'x'",
    "    at finalizeResolution (node:internal/modules/esm/resolve:283:11)",
    "Node.js v20.20.2",
    "",
  ].join("\n");
  expect(lastWords(log)).toEqual([
    "an error nobody caught: no such file",
    "could not close in order",
    "2 settings are missing or wrong:",
    "  MAIL_FROM is not set. Write: …",
    "    triggerUncaughtException(",
    "Error: Cannot find module 'x'",
  ]);
});

test("what was said on standard error and in the log is shown once", () => {
  const sentence = "The worker does not start. The database is older than this version.";
  expect(lastWords(`${sentence}\n{"level":"fatal","msg":"${sentence}"}\n`)).toEqual([sentence]);
});

test("a process that said much is heard from its end only", () => {
  const lines = Array.from({ length: 100 }, (_, index) => `line ${index}`);
  expect(lastWords(lines.join("\n"))).toEqual(lines.slice(-8));
});
