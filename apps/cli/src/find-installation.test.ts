import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findInstallation } from "./find-installation.ts";
import { type Installation, installationAt } from "./installation.ts";
import { removeRunFile, writeRunFile } from "./run-file.ts";

let installation: Installation;
beforeEach(() => {
  installation = installationAt(mkdtempSync(join(tmpdir(), "dripline-find-")));
});
afterEach(() => rmSync(installation.directory, { recursive: true }));

const running = { DATABASE_URL: "postgres://127.0.0.1:4603/dripline", API_PORT: "4600", HOME: "/root" };

test("a command is about the installation that runs in the directory", () => {
  writeRunFile(installation, "http://127.0.0.1:4600", running);
  expect(findInstallation({}, installation.directory)).toMatchObject({ databaseUrl: running.DATABASE_URL, port: 4600 });
  // It holds the secret and the database's password.
  expect(statSync(installation.runFile).mode & 0o777).toBe(0o600);
});

test("a database named in the environment comes first", () => {
  writeRunFile(installation, "http://127.0.0.1:4600", running);
  const env = { DATABASE_URL: "postgres://db.example.com/drip" };
  expect(findInstallation(env, installation.directory)).toMatchObject({ databaseUrl: env.DATABASE_URL });
});

test("without either, the command says how to get one", () => {
  writeRunFile(installation, "http://127.0.0.1:4600", running);
  removeRunFile(installation);
  expect(() => findInstallation({}, installation.directory)).toThrow(/^No running installation found: .* npm start$/);
});

test("in production, where nothing is started by npm start, it names the variables that are missing", () => {
  const env = { NODE_ENV: "production", LOG_LEVEL: "loud" };
  expect(() => findInstallation(env, installation.directory)).toThrow(/DATABASE_URL is not set\. .*LOG_LEVEL is not/s);
});
