import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createApiKey } from "@dripline/db/api-keys";
import { freePort } from "@dripline/embedded/free-port";
import { freshDatabase } from "@dripline/testkit/database";
import { makeSequence } from "@dripline/testkit/factories";
import { describeRedis, ownRedis } from "@dripline/testkit/redis";
import { waitFor } from "@dripline/testkit/wait-for";
import { SMTPServer } from "smtp-server";
import { afterAll, afterEach, expect, test } from "vitest";
import { launchProcess, type RunningProcess, startProcess } from "./child-process.ts";
import { runCommand } from "./run-command.ts";

/** Real processes and what they say about their settings. */
const database = await freshDatabase();
/** For a worker with a public address: the database then belongs to that one. */
const published = await freshDatabase();
const roles = ["api", "worker"] as const;
const good = {
  DATABASE_URL: database.url,
  SMTP_URL: "smtp://127.0.0.1:2525",
  MAIL_FROM: "Acme <hello@acme.example>",
  DRIPLINE_SECRET: "a secret of at least thirty-two characters",
};

const running: RunningProcess[] = [];
afterEach(async () => void (await Promise.all(running.splice(0).map((process) => process.end("SIGKILL")))));

function launch(role: "api" | "worker", env: Record<string, string>): RunningProcess {
  const process = launchProcess(role, env);
  running.push(process);
  return process;
}

test.each([
  ["api", ["DATABASE_URL", "DRIPLINE_SECRET", "PUBLIC_URL"]],
  ["worker", ["DATABASE_URL", "DRIPLINE_SECRET", "PUBLIC_URL", "SMTP_URL", "MAIL_FROM"]],
] as const)("in production the %s does not start without %j, and names all of them at once", async (role, missing) => {
  const process = launch(role, { NODE_ENV: "production" });
  expect(await process.ended()).toEqual({ code: 1, signal: null });
  const [title, ...lines] = process.output().trim().split("\n");
  expect(title).toBe(`${missing.length} settings are missing or wrong:`);
  expect(lines.map((line) => /^ {2}(\w+) is not set\. Write: ./.exec(line)?.[1])).toEqual(missing);
});

test.each(roles)("in production the %s starts with nothing more than these", async (role) => {
  const env = { ...good, DATABASE_URL: published.url, NODE_ENV: "production", PUBLIC_URL: "https://mail.example.com" };
  const process = await startProcess(role, { ...env, API_PORT: String(await freePort()) });
  running.push(process);
});

test.each(roles)("what is wrong, what is missing and what is mistyped are told together by the %s", async (role) => {
  const process = launch(role, {
    DATABASE_URI: database.url,
    API_PORT: "http",
    LOG_LEVEL: "loud",
    REDIS_URI: "redis://x",
  });
  expect(await process.ended()).toEqual({ code: 1, signal: null });
  for (const sentence of [
    "DATABASE_URL is not set. Write: postgres://",
    "API_PORT is not a whole number. Write: a port",
    "LOG_LEVEL is not a log level. Write: one of fatal,",
    "DATABASE_URI is set, and nothing reads it. Do you mean DATABASE_URL?",
    "REDIS_URI is set, and nothing reads it. Do you mean REDIS_URL?",
  ]) {
    expect(process.output()).toContain(sentence);
  }
});

test.each(roles)("a mistyped name does not keep the %s from starting, and stands in its log", async (role) => {
  const process = launch(role, {
    ...good,
    API_PORT: String(await freePort()),
    WORKER_CONCURENCY: "50",
    APP_PORT: "80",
  });
  await process.says('"ready"');
  const entries = process
    .output()
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(entries.filter(({ level }) => level === "warn")).toMatchObject([
    {
      variable: "WORKER_CONCURENCY",
      msg: "WORKER_CONCURENCY is set, and nothing reads it. Do you mean WORKER_CONCURRENCY?",
    },
  ]);
});

describeRedis("secrets", async () => {
  const secrets = {
    database: "hunter2-of-the-database",
    redis: "hunter2-of-redis",
    smtp: "hunter2-of-the-mail-server",
    signing: "hunter2-that-signs-links-and-is-long-enough",
  };
  const redis = await ownRedis(["--requirepass", secrets.redis]);
  const mail = await startMailServer(secrets.smtp);
  const role = `keeper_${crypto.randomUUID().replaceAll("-", "")}`;
  await database.pool.query(`create role ${role} superuser login password '${secrets.database}'`);
  afterAll(async () => {
    await database.pool.query(`drop role ${role}`);
    await redis?.stop();
    await mail.close();
  });

  const url = new URL(database.url);
  [url.username, url.password] = [role, secrets.database];
  const right = {
    DATABASE_URL: url.href,
    REDIS_URL: `redis://:${secrets.redis}@127.0.0.1:${redis?.port}`,
    SMTP_URL: `smtp://mailer:${secrets.smtp}@127.0.0.1:${mail.port}?starttls=off`,
    MAIL_FROM: "Acme <hello@acme.example>",
    DRIPLINE_SECRET: secrets.signing,
    LOG_LEVEL: "trace",
  };

  function expectNoSecret(text: string, more: string[] = []): void {
    for (const secret of [...Object.values(secrets), "hunter2", ...more]) expect(text).not.toContain(secret);
  }

  test("are in no line that API, worker and doctor write while an email goes its way", async () => {
    const sequence = await makeSequence(database.pool, { steps: [{}] });
    const { key } = await createApiKey(database.pool, { name: "test", now: new Date(), scopes: ["admin"] });
    const env = { ...right, API_PORT: String(await freePort()) };
    const processes = await Promise.all(roles.map((each) => startProcess(each, env)));
    running.push(...processes);
    const answer = await fetch(`http://127.0.0.1:${env.API_PORT}/api/v1/sequence-enrollments/enroll/`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ sequence_id: sequence.id, contact: { email: "ann@example.com", first_name: "Ann" } }),
    });
    expect(answer.status).toBe(201);
    await waitFor(() => mail.received() === 1, { timeoutMilliseconds: 20_000, describe: "the email" });
    const doctor = await runCommand(["doctor", "--json"], env);
    expect(doctor, doctor.stdout).toMatchObject({ code: 0 });
    await Promise.all(processes.map((process) => process.end("SIGTERM")));

    const written = processes.map((process) => process.output()).join("\n");
    expect(written).toContain('"stopped"');
    expectNoSecret(written + doctor.stdout + doctor.stderr, [key.slice(0, -10)]);
  });

  test.each([
    [
      "the database's, refused by it",
      { DATABASE_URL: url.href.replace(secrets.database, "hunter2") },
      "refuses the user",
    ],
    ["Redis', refused by it", { REDIS_URL: right.REDIS_URL.replace(secrets.redis, "hunter2") }, "refuses the log-in"],
    ["the database's, in what is no URL", { DATABASE_URL: "postgres://app:hunter2@" }, "DATABASE_URL"],
    ["Redis', in what is no URL", { REDIS_URL: "redis://app:hunter2#@127.0.0.1" }, "REDIS_URL"],
    ["the mail server's, in what is no URL", { SMTP_URL: "smtp://app:hunter2#@127.0.0.1" }, "SMTP_URL"],
    ["the one that signs, too short", { DRIPLINE_SECRET: "hunter2" }, "DRIPLINE_SECRET is shorter"],
    ["one that went into another variable", { LOG_LEVEL: "hunter2", API_PORT: "hunter2" }, "LOG_LEVEL"],
    ["one that went into a mistyped one", { REDIS_PASSWORD: "hunter2", LOG_LEVEL: "loud" }, "REDIS_PASSWORD is set"],
  ])("are not shown when something is wrong: %s", async (_, wrong, sentence) => {
    const env = { ...right, ...wrong };
    const processes = roles.map((each) => launch(each, env));
    const doctor = await runCommand(["doctor"], env);
    for (const process of processes) expect(await process.ended(), process.output()).toMatchObject({ code: 1 });
    const written = processes.map((process) => process.output());
    for (const text of [...written, doctor.stdout]) expect(text).toContain(sentence);
    expect(doctor.code).toBe(1);
    expectNoSecret([...written, doctor.stdout, doctor.stderr].join("\n"));
  });

  test("are not shown when the mail server refuses the log-in", async () => {
    const sequence = await makeSequence(database.pool, { steps: [{}] });
    const { key } = await createApiKey(database.pool, { name: "test", now: new Date(), scopes: ["admin"] });
    const smtpUrl = right.SMTP_URL.replace(secrets.smtp, "hunter2");
    const env = { ...right, SMTP_URL: smtpUrl, API_PORT: String(await freePort()) };
    const processes = await Promise.all(roles.map((each) => startProcess(each, env)));
    running.push(...processes);
    await fetch(`http://127.0.0.1:${env.API_PORT}/api/v1/sequence-enrollments/enroll/`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ sequence_id: sequence.id, contact: { email: "bob@example.com", first_name: "Bob" } }),
    });
    await waitFor(() => mail.refused() > 0, { timeoutMilliseconds: 20_000, describe: "the refusal" });
    const doctor = await runCommand(["doctor"], env);
    await Promise.all(processes.map((process) => process.end("SIGTERM")));
    expectNoSecret(processes.map((process) => process.output()).join("\n") + doctor.stdout + doctor.stderr);
  });
});

/** A mail server with one user, "mailer". */
async function startMailServer(password: string) {
  let [received, refused] = [0, 0];
  const server = new SMTPServer({
    disabledCommands: ["STARTTLS"],
    allowInsecureAuth: true,
    disableReverseLookup: true,
    onAuth: (auth, _session, callback) => {
      if (auth.password === password) return callback(null, { user: "mailer" });
      refused += 1;
      callback(Object.assign(new Error("5.7.8 no"), { responseCode: 535 }));
    },
    onData: (stream, _session, callback) => {
      stream.resume().on("end", () => {
        received += 1;
        callback();
      });
    },
  });
  server.on("error", () => {});
  const listening = server.listen(0, "127.0.0.1");
  await once(listening, "listening");
  return {
    port: (listening.address() as AddressInfo).port,
    received: () => received,
    refused: () => refused,
    close: () => new Promise<void>((resolve) => server.close(resolve)),
  };
}
