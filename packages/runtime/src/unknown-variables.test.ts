import { expect, test } from "vitest";
import { configEntries } from "./config-variables.ts";
import { findUnknownVariables } from "./unknown-variables.ts";

test.each([
  ["REDIS_URI", "Do you mean REDIS_URL?"],
  ["REDIS_ULR", "REDIS_URL"],
  ["DATABASE_URl", "DATABASE_URL"],
  ["DATABSE_URL", "DATABASE_URL"],
  ["database_url", "DATABASE_URL"],
  ["SMTP_HOST", "Write all of the address into SMTP_URL."],
  ["SMTP_PASSWORD", "SMTP_URL"],
  ["REDIS_PASSWORD", "REDIS_URL"],
  ["REDIS_PORT", "REDIS_URL"],
  ["WORKER_CONCURENCY", "WORKER_CONCURRENCY"],
  ["API_PROT", "API_PORT"],
  ["LOG_LEVLE", "LOG_LEVEL"],
  ["PUBLIC_URI", "PUBLIC_URL"],
  ["DRIPLINE_SECRETS", "DRIPLINE_SECRET"],
  ["DRIPLINE_MODE", "docs/configuration.md"],
  ["MAIL_FROM_FILE", "MAIL_FROM is not read from a file"],
])("%s is told, with %s in its place, and without its value", (name, instead) => {
  const [found, ...more] = findUnknownVariables({ [name]: "hunter2" });
  expect(found?.sentence).toContain(`${name} is set, and nothing reads it.`);
  expect(found?.sentence).toContain(instead);
  expect(found?.sentence).not.toContain("hunter2");
  expect(more).toEqual([]);
});

test("what a host has set for others is left alone", () => {
  const foreign = {
    PATH: "/usr/bin",
    HOME: "/root",
    MAIL: "/var/mail/root",
    LOGNAME: "root",
    APP_PORT: "80",
    APP_HOST: "0.0.0.0",
    API_KEY: "x",
    API_URL: "https://api.example.com",
    API_TOKEN: "x",
    PUBLIC_IP: "192.0.2.1",
    SITE_URL: "https://example.com",
    FTP_URL: "ftp://example.com",
    RENDER_URL: "https://example.com",
    POSTGRES_PASSWORD: "x",
    PGHOST: "db",
    LOG_FORMAT: "json",
    MAILTO: "root",
    OTEL_SERVICE_NAME: "x",
    NODE_OPTIONS: "--max-old-space-size=400",
    TEST_REDIS_URL: "redis://127.0.0.1",
    // Kubernetes, for services named redis, api and dripline-api.
    REDIS_SERVICE_HOST: "10.0.0.1",
    REDIS_SERVICE_PORT: "6379",
    REDIS_PORT: "tcp://10.0.0.1:6379",
    REDIS_PORT_6379_TCP: "tcp://10.0.0.1:6379",
    REDIS_PORT_6379_TCP_ADDR: "10.0.0.1",
    API_PORT_4600_TCP: "tcp://10.0.0.1:4600",
    API_SERVICE_HOST: "10.0.0.1",
  };
  expect(findUnknownVariables(foreign)).toEqual([]);
});

test("nothing that is read is told, nor what is empty", () => {
  const all = configEntries.flatMap(([name, { isSecret }]) => (isSecret ? [name, `${name}_FILE`] : [name]));
  const set = Object.fromEntries([...all, "NODE_ENV", "DRIPLINE_DEBUG", "DRIPLINE_API_KEY"].map((name) => [name, "x"]));
  expect(findUnknownVariables({ ...set, REDIS_URI: "" })).toEqual([]);
});
