import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ConfigResult, readApiConfig, readCliConfig, readWorkerConfig } from "./config.ts";
import { describeConfigProblems } from "./config-problem.ts";

const good = {
  DATABASE_URL: "postgres://dripline:hunter2@db.internal:5432/dripline",
  DRIPLINE_SECRET: "0123456789abcdef0123456789abcdef",
  SMTP_URL: "smtp://mailer:hunter2@mail.example.com:587",
  MAIL_FROM: "Dripline <hello@example.com>",
};

function problemsOf(result: ConfigResult<unknown>): string[] {
  return result.ok ? [] : result.problems.map(({ variable }) => variable);
}

function textOf(result: ConfigResult<unknown>): string {
  return result.ok ? "" : describeConfigProblems(result.problems);
}

describe("settings", () => {
  test("have defaults for everything but addresses, the secret and the sender", () => {
    expect(readApiConfig(good)).toEqual({
      ok: true,
      config: {
        databaseUrl: good.DATABASE_URL,
        redisUrl: undefined,
        secret: good.DRIPLINE_SECRET,
        publicUrl: "http://127.0.0.1:4600",
        dayLengthMilliseconds: undefined,
        limits: { perSecondMax: null, senderPerDayMax: null, contactGapMinutes: 0, overdueGapMinutes: 60 },
        mailFrom: { name: "Dripline", address: "hello@example.com" },
        smtpUrl: good.SMTP_URL,
        logLevel: "info",
        shutdownGraceSeconds: 25,
        host: "127.0.0.1",
        port: 4600,
        requestsPerMinuteMax: 30_000,
      },
    });
    expect(readWorkerConfig(good)).toMatchObject({
      ok: true,
      config: {
        smtpUrl: good.SMTP_URL,
        mailFrom: { name: "Dripline", address: "hello@example.com" },
        concurrency: 10,
        retentionDays: null,
        smtpTimeouts: { connect: 30, envelope: 60, finalReply: 600 },
        claimLeaseSeconds: 180,
      },
    });
  });

  test("give a claim a lease that outlasts connecting and the envelope, whatever those are set to", () => {
    const env = { ...good, SMTP_CONNECT_SECONDS: "300", SMTP_ENVELOPE_SECONDS: "600", SMTP_FINAL_REPLY_SECONDS: "900" };
    const smtpTimeouts = { connect: 300, envelope: 600, finalReply: 900 };
    expect(readWorkerConfig(env)).toMatchObject({ ok: true, config: { smtpTimeouts, claimLeaseSeconds: 1_800 } });
  });

  test.each(["90", "1"])("refuse a lease of %s s that ends while the mail server may still be slow", (seconds) => {
    const result = readWorkerConfig({ ...good, CLAIM_LEASE_SECONDS: seconds });
    expect(problemsOf(result)).toEqual(["CLAIM_LEASE_SECONDS"]);
    expect(textOf(result)).toContain("more than 90, e.g. 180, or shorten the other two");
    expect(readWorkerConfig({ ...good, CLAIM_LEASE_SECONDS: "91" }).ok).toBe(true);
  });

  test("for limits are the same in the API, which explains them, and the worker, which keeps them", () => {
    const env = {
      ...good,
      SENDS_PER_SECOND_MAX: "0.5",
      SENDER_SENDS_PER_DAY_MAX: "2000",
      CONTACT_GAP_MINUTES: "240",
      OVERDUE_GAP_MINUTES: "0",
    };
    const limits = { perSecondMax: 0.5, senderPerDayMax: 2_000, contactGapMinutes: 240, overdueGapMinutes: 0 };
    expect(readApiConfig(env)).toMatchObject({ ok: true, config: { limits } });
    expect(readWorkerConfig(env)).toMatchObject({ ok: true, config: { limits } });
  });

  test.each([
    ["600", 600],
    ["0", null],
  ])("take %s requests a minute for a limit of %j", (text, requestsPerMinuteMax) => {
    const env = { ...good, API_REQUESTS_PER_MINUTE: text };
    expect(readApiConfig(env)).toMatchObject({ ok: true, config: { requestsPerMinuteMax } });
  });

  test.each(["0", "0.0", "-1", "1e3", "ten", "1."])(
    "refuse a rate of %j: it would send nothing, or is no number",
    (text) => {
      expect(problemsOf(readWorkerConfig({ ...good, SENDS_PER_SECOND_MAX: text }))).toEqual(["SENDS_PER_SECOND_MAX"]);
    },
  );

  test("that are missing or wrong are all told at once, each with what to write", () => {
    const result = readWorkerConfig({
      DATABASE_URL: "mysql://db/dripline",
      DRIPLINE_SECRET: "short",
      MAIL_FROM: "nobody",
      WORKER_CONCURRENCY: "many",
      LOG_LEVEL: "loud",
    });
    expect(problemsOf(result).toSorted()).toEqual([
      "DATABASE_URL",
      "DRIPLINE_SECRET",
      "LOG_LEVEL",
      "MAIL_FROM",
      "SMTP_URL",
      "WORKER_CONCURRENCY",
    ]);
    expect(textOf(result)).toContain("6 settings are missing or wrong:");
    expect(textOf(result)).toContain("SMTP_URL is not set. Write: smtp://user:password@host:587, or smtps://…:465");
    expect(textOf(result)).toContain("DRIPLINE_SECRET is shorter than 32 characters.");
  });

  test("that hold a secret are never shown", () => {
    const secrets = {
      DATABASE_URL: "hunter2 is not a url",
      REDIS_URL: "hunter2",
      SMTP_URL: "hunter2",
      DRIPLINE_SECRET: "hunter2",
    };
    expect(textOf(readWorkerConfig(secrets))).not.toContain("hunter2");
  });

  test("that are empty count as not set, as docker-compose writes them", () => {
    expect(readApiConfig({ ...good, REDIS_URL: "", API_PORT: "" })).toMatchObject({
      ok: true,
      config: { redisUrl: undefined, port: 4600 },
    });
    expect(problemsOf(readApiConfig({ ...good, DATABASE_URL: "" }))).toEqual(["DATABASE_URL"]);
  });

  test.each([
    ["Dripline <hello@example.com>", { name: "Dripline", address: "hello@example.com" }],
    ['"Acme, Inc." <news@acme.example>', { name: "Acme, Inc.", address: "news@acme.example" }],
    ["hello@example.com", { name: "", address: "hello@example.com" }],
    ["<hello@example.com>", { name: "", address: "hello@example.com" }],
  ])("read the sender %s", (text, mailbox) => {
    expect(readWorkerConfig({ ...good, MAIL_FROM: text })).toMatchObject({ ok: true, config: { mailFrom: mailbox } });
  });

  test.each([
    "Dripline",
    "A <a@example.com>, B <b@example.com>",
    "a@example.com, b@example.com",
    "A <a@example.com>\r\nBcc: b@example.com",
    "A\u0000 <a@example.com>",
    "@example.com",
  ])("refuse the sender %j", (text) => {
    expect(problemsOf(readWorkerConfig({ ...good, MAIL_FROM: text }))).toEqual(["MAIL_FROM"]);
  });

  test.each([
    ["API_PORT", "0"],
    ["API_PORT", "65536"],
    ["API_PORT", "4600.5"],
    ["API_PORT", "0x10"],
    ["PUBLIC_URL", "ftp://example.com"],
    ["PUBLIC_URL", "https://example.com/?a=b"],
    ["REDIS_URL", "http://localhost:6379"],
    ["SHUTDOWN_GRACE_SECONDS", "-1"],
    ["API_REQUESTS_PER_MINUTE", "many"],
  ])("refuse %s=%s", (variable, value) => {
    expect(problemsOf(readApiConfig({ ...good, [variable]: value }))).toEqual([variable]);
  });

  test.each([
    ["API_PORT", "-1", "is not between 1 and 65535"],
    ["API_PORT", "99999999999", "is not between 1 and 65535"],
    ["API_PORT", "4600.5", "is not a whole number"],
    ["API_PORT", "0x10", "is not a whole number"],
    ["SENDS_PER_SECOND_MAX", "-1", "is not more than 0"],
    ["SENDS_PER_SECOND_MAX", "ten", "is not a number"],
    ["SMTP_URL", "mail.example.com", "is not a URL"],
    ["SMTP_URL", "http://mail.example.com", "does not start with smtp:// or smtps://"],
  ])("say what is wrong with %s=%s once: %s", (variable, value, problem) => {
    const text = textOf(readWorkerConfig({ ...good, [variable]: value }));
    expect(text).toContain(`\n  ${variable} ${problem}`);
    expect(text.replaceAll(variable, "").match(/SMTP URL/g)).toBeNull();
  });

  test("take the port into the default public address, and no slash at its end", () => {
    expect(readCliConfig({ ...good, API_PORT: "5000" })).toMatchObject({
      config: { publicUrl: "http://127.0.0.1:5000" },
    });
    expect(readCliConfig({ ...good, PUBLIC_URL: "https://mail.example.com/drip/" })).toMatchObject({
      config: { publicUrl: "https://mail.example.com/drip" },
    });
  });
});

test.each(["http://mail.example.com", "http://10.0.0.1:4600"])(
  "%s is refused as the public address: one-click unsubscribe needs https outside this machine",
  (publicUrl) => {
    expect(problemsOf(readWorkerConfig({ ...good, PUBLIC_URL: publicUrl }))).toEqual(["PUBLIC_URL"]);
  },
);

test.each(["hello@mailhost", "hello@[10.0.0.1]", "two@example.com, more@example.com"])(
  "%s is refused as the sender: no message could be built with it",
  (mailFrom) => {
    expect(problemsOf(readWorkerConfig({ ...good, MAIL_FROM: mailFrom }))).toEqual(["MAIL_FROM"]);
  },
);

describe("compressed time", () => {
  test.each(["smtp://127.0.0.1:4602", "smtp://localhost:25", "smtp://[::1]:25", "smtp://127.0.0.1:25?starttls=off"])(
    "is allowed with %s",
    (smtpUrl) => {
      const env = { ...good, SMTP_URL: smtpUrl, DRIPLINE_DAY_LENGTH: "5s" };
      expect(readApiConfig(env)).toMatchObject({ ok: true, config: { dayLengthMilliseconds: 5_000 } });
      expect(readWorkerConfig(env)).toMatchObject({ ok: true, config: { dayLengthMilliseconds: 5_000 } });
    },
  );

  test.each([
    "smtp://mail.example.com:587",
    "smtp://127.0.0.1.example.com",
    "smtp://localhost.example.com",
    "smtp://0.0.0.0:25",
    "smtp://localhost:password@mail.example.com",
  ])("is refused with %s", (smtpUrl) => {
    const env = { ...good, SMTP_URL: smtpUrl, DRIPLINE_DAY_LENGTH: "5s" };
    expect(problemsOf(readApiConfig(env))).toEqual(["DRIPLINE_DAY_LENGTH"]);
    expect(problemsOf(readWorkerConfig(env))).toEqual(["DRIPLINE_DAY_LENGTH"]);
  });

  test.each([
    "smtp://127.0.0.1/?service=gmail",
    "smtp://127.0.0.1/?proxy=socks5://proxy.example.com",
    "smtp://127.0.0.1/?host=mail.example.com",
  ])("is refused with %s: no option may lead the mail elsewhere", (smtpUrl) => {
    const env = { ...good, SMTP_URL: smtpUrl, DRIPLINE_DAY_LENGTH: "5s" };
    expect(problemsOf(readWorkerConfig(env))).toContain("SMTP_URL");
  });

  test("is refused without a mail server that could be judged", () => {
    const { SMTP_URL: _, ...rest } = good;
    expect(problemsOf(readApiConfig({ ...rest, DRIPLINE_DAY_LENGTH: "5s" }))).toEqual(["DRIPLINE_DAY_LENGTH"]);
  });
});

describe("secrets in files", () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "dripline-config-"));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  function file(name: string, content: string): string {
    const path = join(directory, name);
    writeFileSync(path, content);
    return path;
  }

  test("are read without the line break at their end", () => {
    const { DRIPLINE_SECRET: secret, ...rest } = good;
    for (const content of [secret, `${secret}\n`, `${secret}\r\n`, `${secret}\n\n`, `\uFEFF${secret}\r\n`]) {
      const env = { ...rest, DRIPLINE_SECRET_FILE: file("secret", content) };
      expect(readApiConfig(env), JSON.stringify(content)).toMatchObject({ ok: true, config: { secret } });
    }
  });

  test.each([
    ["", "it is empty"],
    ["\r\n", "it is empty"],
    [" \n", "it is empty"],
    ["# the secret\na secret of at least thirty-two characters\n", "it has more than one line"],
  ])("that hold %j are refused: %s", (content, problem) => {
    const { DRIPLINE_SECRET: _, ...rest } = good;
    const result = readApiConfig({ ...rest, DRIPLINE_SECRET_FILE: file("secret", content) });
    expect(problemsOf(result)).toEqual(["DRIPLINE_SECRET_FILE"]);
    expect(textOf(result)).toContain(`(${problem})`);
  });

  test("that are directories are told", () => {
    const { DRIPLINE_SECRET: _, ...rest } = good;
    expect(textOf(readApiConfig({ ...rest, DRIPLINE_SECRET_FILE: directory }))).toContain(`${directory} (EISDIR)`);
  });

  test("that cannot be read are told by file, once, together with the rest", () => {
    const { DATABASE_URL: _, ...rest } = good;
    const result = readApiConfig({ ...rest, DATABASE_URL_FILE: join(directory, "none"), API_PORT: "x" });
    expect(problemsOf(result)).toEqual(["DATABASE_URL_FILE", "API_PORT"]);
    expect(textOf(result)).toContain(`${join(directory, "none")} (ENOENT)`);
  });

  test("are refused beside the variable itself, since nobody knows which one is meant", () => {
    const env = { ...good, SMTP_URL_FILE: file("smtp", "smtp://127.0.0.1") };
    expect(problemsOf(readWorkerConfig(env))).toEqual(["SMTP_URL_FILE"]);
  });

  test("are judged like the variable, without being shown", () => {
    const { DATABASE_URL: _, ...rest } = good;
    const result = readApiConfig({ ...rest, DATABASE_URL_FILE: file("database", "hunter2") });
    expect(problemsOf(result)).toEqual(["DATABASE_URL"]);
    expect(textOf(result)).not.toContain("hunter2");
  });
});
