import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Installation, installationAt } from "./installation.ts";
import { portsFrom } from "./ports.ts";
import { readStackSettings } from "./stack-settings.ts";

let installation: Installation;
beforeEach(() => {
  installation = installationAt(mkdtempSync(join(tmpdir(), "dripline-settings-")));
});
afterEach(() => rmSync(installation.directory, { recursive: true }));

function read(env: NodeJS.ProcessEnv, dayLength?: string) {
  return readStackSettings({ env, installation, ports: portsFrom(4600), dayLength });
}

const embedded = { databaseUrl: "postgres://127.0.0.1:4603/dripline", smtpUrl: "smtp://127.0.0.1:4602" };

test("with nothing set, all parts are embedded and the services get what they need", () => {
  const settings = read({});
  expect(settings).toMatchObject({ databaseUrl: undefined, redisUrl: undefined, smtpUrl: undefined, graceSeconds: 25 });
  expect(settings.serviceEnvironment(embedded)).toMatchObject({
    DATABASE_URL: embedded.databaseUrl,
    SMTP_URL: embedded.smtpUrl,
    API_PORT: "4600",
    MAIL_FROM: "Dripline <hello@example.com>",
  });
});

test("the secret is made once, and only its owner may read it", () => {
  const { secret } = read({});
  expect(secret.length).toBeGreaterThanOrEqual(32);
  expect(read({}).secret).toBe(secret);
  expect(readFileSync(installation.secretFile, "utf8").trim()).toBe(secret);
  expect(statSync(installation.secretFile).mode & 0o777).toBe(0o600);
});

test("an address that is set is used instead of the embedded part, from a file as well", () => {
  const file = join(installation.directory, "database-url");
  writeFileSync(file, "postgres://db.example.com/drip\n");
  const settings = read({ DATABASE_URL_FILE: file, REDIS_URL: "redis://localhost", SMTP_URL: "smtp://localhost:2525" });
  expect(settings).toMatchObject({
    databaseUrl: "postgres://db.example.com/drip",
    redisUrl: "redis://localhost",
    smtpUrl: "smtp://localhost:2525",
  });
  // Both forms together would be refused by the services.
  expect(settings.serviceEnvironment(embedded).DATABASE_URL_FILE).toBeUndefined();
});

test("compressed time is refused with a mail server outside, and wherever it was asked for", () => {
  const outside = { SMTP_URL: "smtp://mail.example.com", MAIL_FROM: "a@example.com" };
  expect(() => read(outside, "5s")).toThrow(/refused with a mail server outside this machine/);
  expect(() => read({ ...outside, DRIPLINE_DAY_LENGTH: "5s" })).toThrow(/refused/);
  expect(read({}, "5s")).toMatchObject({ dayLength: "5s", dayLengthMilliseconds: 5_000 });
});

test("mail to people outside needs a sender of one's own", () => {
  expect(() => read({ SMTP_URL: "smtp://mail.example.com" })).toThrow(/MAIL_FROM is not set/);
  expect(() => read({ SMTP_URL: "smtp://127.0.0.1" })).not.toThrow();
});

test("everything that is wrong is told at once, before anything is started", () => {
  const wrong = { LOG_LEVEL: "loud", WORKER_CONCURRENCY: "x", DATABASE_URL: "mysql://x" };
  expect(() => read(wrong)).toThrow(/3 settings are missing or wrong/);
});
