import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "dripline-secrets-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** As somebody runs it in a script: without a terminal to ask at. */
function makeSecrets(env: Record<string, string>, ...args: string[]) {
  return promisify(execFile)("sh", [join(root, "scripts/make-secrets.sh"), "--into", directory, ...args], {
    env: { PATH: process.env.PATH ?? "", ...env },
  });
}

function secret(name: string): string {
  return readFileSync(join(directory, "secrets", name), "utf8").trim();
}

const mail = { SMTP_URL: "smtp://user:password@mail.example.com:587", MAIL_FROM: "Acme <hello@example.com>" };

test.each(["docker-compose.yml", "docker-compose.postgres.yml"])("every secret that %s names is made", async (file) => {
  await makeSecrets(mail);
  const named = [...readFileSync(join(root, file), "utf8").matchAll(/file: \.\/secrets\/(\w+)/g)].map(
    ([, name]) => name,
  );
  expect(named.length).toBeGreaterThan(0);
  expect(readdirSync(join(directory, "secrets"))).toEqual(expect.arrayContaining(named));
});

test("the database's URL has the database's password, and secrets are long and different", async () => {
  await makeSecrets({ ...mail, PUBLIC_URL: "https://mail.example.com" });
  const password = secret("postgres_password");
  expect(password).toMatch(/^[0-9a-f]{64}$/);
  expect(secret("database_url")).toBe(`postgres://dripline:${password}@postgres:5432/dripline`);
  expect(secret("dripline_secret")).toMatch(/^[0-9a-f]{64}$/);
  expect(secret("dripline_secret")).not.toBe(password);
  expect(secret("smtp_url")).toBe(mail.SMTP_URL);
  const settings = readFileSync(join(directory, ".env"), "utf8").split("\n");
  expect(settings).toEqual(
    expect.arrayContaining([`MAIL_FROM=${mail.MAIL_FROM}`, "PUBLIC_URL=https://mail.example.com"]),
  );
  expect(settings.join("\n")).not.toContain(password);
});

test("others cannot enter the directory, and the user in the container, who is another one, can read each file", async () => {
  await makeSecrets(mail);
  const mode = (...path: string[]) => statSync(join(directory, ...path)).mode & 0o777;
  expect(mode("secrets")).toBe(0o700);
  for (const name of readdirSync(join(directory, "secrets"))) expect(mode("secrets", name)).toBe(0o444);
});

test("what is there already stays as it is", async () => {
  await makeSecrets(mail);
  const all = () => [".env", ...readdirSync(join(directory, "secrets")).map((name) => join("secrets", name))];
  const before = all().map((name) => readFileSync(join(directory, name), "utf8"));
  await makeSecrets({ ...mail, SMTP_URL: "smtp://other.example.com" });
  expect(all().map((name) => readFileSync(join(directory, name), "utf8"))).toEqual(before);
});

test("a password is kept when only the URL with it was deleted", async () => {
  await makeSecrets(mail);
  const password = secret("postgres_password");
  rmSync(join(directory, "secrets", "database_url"));
  await makeSecrets(mail);
  expect(secret("database_url")).toContain(`:${password}@`);
});

test.each([
  ["no mail server", {}, "SMTP_URL=smtp://"],
  ["no sender", { SMTP_URL: mail.SMTP_URL }, "MAIL_FROM="],
  ["a mail server that is no URL", { ...mail, SMTP_URL: "mail.example.com" }, "must be a URL"],
])("%s is refused with what to write, and nothing is made", async (_, env, remedy) => {
  await expect(makeSecrets(env)).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining(remedy) });
  expect(readdirSync(directory)).toEqual([]);
});

test("with --inbox the mail server is the one of the dev profile, which is started with the rest", async () => {
  await makeSecrets({}, "--inbox");
  expect(secret("smtp_url")).toBe("smtp://inbox:4602");
  expect(readFileSync(join(directory, ".env"), "utf8")).toContain("COMPOSE_PROFILES=dev");
});
