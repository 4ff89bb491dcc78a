import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { noteDeliveryFailure } from "@dripline/db/note-delivery-failure";
import { insertExecution } from "@dripline/db/testing/executions";
import { freePort } from "@dripline/embedded/free-port";
import { copyDatabase, emptyDatabase, freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { describeRedis, ownRedis } from "@dripline/testkit/redis";
import { Redis } from "ioredis";
import { SMTPServer } from "smtp-server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunningProcess, startProcess } from "./child-process.ts";
import { type CommandResult, runCommand } from "./run-command.ts";

/** What a set-up is broken by: other variables, or something done to the services, which is undone afterwards. */
interface Break {
  readonly env?: Record<string, string>;
  readonly undo?: () => unknown;
}

describeRedis("dripline doctor", async () => {
  const database = await freshDatabase();
  /** Without a worker. */
  const idle = await freshDatabase();
  const empty = await emptyDatabase();
  const copied = await copyDatabase(idle.url);
  const redis = await ownRedis(["--requirepass", "redis-password", "--appendonly", "yes"]);
  const replica = await ownRedis(["--replicaof", `127.0.0.1 ${redis?.port}`, "--masterauth", "redis-password"]);
  const mail = await startMailServer();
  const running: RunningProcess[] = [];
  const healthy = {
    DATABASE_URL: database.url,
    REDIS_URL: `redis://:redis-password@127.0.0.1:${redis?.port}`,
    SMTP_URL: `smtp://mailer:mail-password@127.0.0.1:${mail.port}?starttls=off`,
    MAIL_FROM: "Acme <hello@acme.example>",
    DRIPLINE_SECRET: "a secret of at least thirty-two characters",
    API_PORT: String(await freePort()),
  };

  beforeAll(async () => {
    running.push(...(await Promise.all([startProcess("api", healthy), startProcess("worker", healthy)])));
  });
  afterAll(async () => {
    await Promise.all(running.map((process) => process.end("SIGTERM")));
    await replica?.stop();
    await redis?.stop();
    await mail.close();
  });

  test("finds nothing wrong with a set-up in which everything runs, and ends with 0", async () => {
    const { code, stdout, stderr } = await runCommand(["doctor"], healthy);
    expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("\nNothing is wrong.");
    expect(stdout).not.toMatch(/^[!✗]/m);
    for (const good of [
      "PostgreSQL",
      "takes writes",
      "tables are those",
      "queue in (Redis|Valkey) ",
      "lets us log in",
      "a worker is at work",
      "is ready",
    ]) {
      expect(stdout).toMatch(new RegExp(`^✓ .*${good}`, "m"));
    }
  });

  const away = () => freePort().then((port) => `127.0.0.1:${port}`);
  const databaseWith = (part: { readonly password?: string; readonly pathname?: string }) =>
    Object.assign(new URL(database.url), part).href;

  const broken: [what: string, breakIt: () => Promise<Break>, found: string, remedy: string][] = [
    [
      "a database that is down",
      async () => ({ env: { DATABASE_URL: `postgres://dripline@${await away()}/dripline` } }),
      "PostgreSQL cannot be used",
      "No PostgreSQL answers at 127.0.0.1:",
    ],
    [
      "a database that refuses the password",
      async () => ({ env: { DATABASE_URL: databaseWith({ password: "mistyped" }) } }),
      "PostgreSQL cannot be used",
      "(password?). Check DATABASE_URL.",
    ],
    [
      "a database without TLS where it is wanted",
      async () => {
        const url = new URL(database.url);
        url.searchParams.set("sslmode", "verify-full");
        return { env: { DATABASE_URL: url.href } };
      },
      "PostgreSQL cannot be used",
      "speaks no TLS, and DATABASE_URL wants it. Turn it on there (ssl = on)",
    ],
    [
      "a database that does not exist",
      async () => ({ env: { DATABASE_URL: databaseWith({ pathname: "/nowhere" }) } }),
      "PostgreSQL cannot be used",
      'has no database "nowhere". Create it (createdb nowhere), or correct DATABASE_URL.',
    ],
    [
      "a database that can only be read",
      async () => {
        const url = new URL(database.url);
        url.searchParams.set("options", "-c default_transaction_read_only=on");
        return { env: { DATABASE_URL: url.href } };
      },
      "the database answers, but cannot write: nothing is sent",
      "can only be read: it is a standby, or default_transaction_read_only is on.",
    ],
    [
      "a database that was not migrated",
      async () => ({ env: { DATABASE_URL: empty.url } }),
      "tables are older than this version",
      'run "dripline migrate"',
    ],
    [
      "a database of a newer version",
      async () => {
        const future = "insert into drizzle.__drizzle_migrations (hash, created_at) values ('future', 9999999999999)";
        await database.pool.query(future);
        const undo = () => database.pool.query("delete from drizzle.__drizzle_migrations where hash = 'future'");
        return { undo };
      },
      "tables are newer than this version",
      "install the newer version",
    ],
    [
      "a database that is a copy of another",
      async () => ({ env: { DATABASE_URL: copied.url } }),
      "This database is a copy or was restored",
      "If this is the installation that is to send from now on, and no other one does: dripline adopt",
    ],
    [
      "a clock that is wrong",
      async () => {
        const preload = fileURLToPath(new URL("skewed-clock.mjs", import.meta.url));
        return { env: { SKEW_SECONDS: "7200", NODE_OPTIONS: `--import ${preload}` } };
      },
      "clock of the database: 7200.",
      "let both machines take their time from NTP",
    ],
    [
      "a queue in PostgreSQL without its tables",
      async () => {
        await database.pool.query("alter schema bullmq rename to away");
        return { env: { REDIS_URL: "" }, undo: () => database.pool.query("alter schema away rename to bullmq") };
      },
      "queue in PostgreSQL",
      'run "dripline migrate"',
    ],
    [
      "a Redis that is down",
      async () => ({ env: { REDIS_URL: `redis://${await away()}` } }),
      "queue in redis",
      "cannot be reached: is it running, and is REDIS_URL right?",
    ],
    [
      "a Redis that refuses the log-in",
      async () => ({ env: { REDIS_URL: healthy.REDIS_URL.replace("redis-password", "mistyped") } }),
      "queue in redis",
      "refuses the log-in (WRONGPASS): correct user and password in REDIS_URL",
    ],
    [
      "a Redis that may drop jobs",
      async () => {
        await setRedis("maxmemory-policy", "allkeys-lru");
        return { undo: () => setRedis("maxmemory-policy", "noeviction") };
      },
      "queue in ",
      "maxmemory-policy is allkeys-lru, so ",
    ],
    [
      "a Redis whose memory is full",
      async () => {
        await setRedis("maxmemory", "1mb");
        return { undo: () => setRedis("maxmemory", "0") };
      },
      "queue in ",
      "takes no writes (OOM), so nothing is sent, and nothing is lost: its memory is full; raise maxmemory",
    ],
    [
      "a Redis that waits for replicas",
      async () => {
        await setRedis("min-replicas-to-write", "3");
        return { undo: () => setRedis("min-replicas-to-write", "0") };
      },
      "queue in ",
      "takes no writes (NOREPLICAS), so nothing is sent, and nothing is lost: fewer replicas follow it",
    ],
    [
      "a Redis that is only a replica",
      async () => ({ env: { REDIS_URL: `redis://:redis-password@127.0.0.1:${replica?.port}` } }),
      "queue in ",
      "This is a replica, which takes no jobs: write its master into REDIS_URL",
    ],
    [
      "a mail server that is down",
      async () => ({ env: { SMTP_URL: `smtp://${await away()}` } }),
      "cannot be reached (ECONNREFUSED)",
      "Start it, or correct SMTP_URL.",
    ],
    [
      "a mail server that refuses the log-in",
      async () => ({ env: { SMTP_URL: healthy.SMTP_URL.replace("mail-password", "mistyped") } }),
      "refuses the log-in: ",
      "Correct user and password in SMTP_URL.",
    ],
    [
      "a mail server whose certificate is not trusted",
      async () => ({ env: { SMTP_URL: healthy.SMTP_URL.replace("starttls=off", "starttls=required") } }),
      "no TLS that can be trusted",
      "Write the name that is in its certificate into SMTP_URL, or trust its authority with NODE_EXTRA_CA_CERTS.",
    ],
    [
      "a mail server that has slowed us down",
      async () => {
        const scope = "transport";
        await noteDeliveryFailure(database.pool, {
          ...{ scope, reason: "sender_refused", message: "550 5.7.26 unauthenticated" },
          ...{ steps: { firstSeconds: 600, longestSeconds: 600 }, jitter: 1, startedAt: new Date() },
        });
        return { undo: () => database.pool.query("delete from delivery_backoff") };
      },
      "sending stands still but for one email at a time",
      "Look at SPF, DKIM, DMARC and reputation of the sender",
    ],
    [
      "a secret that is too short",
      async () => ({ env: { DRIPLINE_SECRET: "short" } }),
      "DRIPLINE_SECRET is shorter than 32 characters",
      "Write: 32 or more random characters, e.g. from: openssl rand -hex 32",
    ],
    [
      "a public address without TLS",
      async () => ({ env: { PUBLIC_URL: "http://mail.example.com" } }),
      "PUBLIC_URL is not https://, and one-click unsubscribe (RFC 8058) needs that",
      "Write: the address under which the API is reached, e.g. https://mail.example.com",
    ],
    [
      "an API whose port another program has",
      async () => {
        const other = createServer((_, response) => void response.writeHead(404).end());
        other.listen(0, "127.0.0.1");
        await once(other, "listening");
        const env = { API_PORT: String((other.address() as AddressInfo).port) };
        return { env, undo: () => other.close() };
      },
      "/health/ready answers 404",
      "Another program may use that port, or PUBLIC_URL is wrong.",
    ],
    [
      "an email that is due, and no worker",
      async () => {
        const { pool, url } = idle;
        const [sequence, contact] = [await makeSequence(pool), await makeContact(pool)];
        await insertExecution(pool, sequence, contact.id, { scheduledFor: new Date(Date.now() - 300_000) });
        return { env: { DATABASE_URL: url } };
      },
      "no worker is at work, and 1 email has been due for up to 5 min",
      "Start one, or look into its log for why it ended or hangs.",
    ],
  ];

  test.each(broken)("names %s, with what to do, and ends with 1", async (_, breakIt, found, remedy) => {
    const { env = {}, undo } = await breakIt();
    try {
      expectBad(await runCommand(["doctor"], { ...healthy, ...env }), found, remedy);
    } finally {
      await undo?.();
    }
  });

  test("names two things at once, each with what to do about it", async () => {
    const env = {
      ...healthy,
      DATABASE_URL: `postgres://dripline@${await away()}/d`,
      SMTP_URL: `smtp://${await away()}`,
    };
    const result = await runCommand(["doctor"], env);
    expectBad(result, "PostgreSQL cannot be used", "No PostgreSQL answers at");
    expectBad(result, "cannot be reached (ECONNREFUSED)", "correct SMTP_URL");
    expect(result.stdout).toMatch(/\n2 things need attention\.\n$/);
  });

  test("says of a setting that cannot be used that alone, and looks at the rest", async () => {
    const env = {
      ...healthy,
      REDIS_URL: "rediss://localhost?ca_file=/nowhere",
      SMTP_URL: "",
      SMTP_URL_FILE: "/nowhere",
    };
    const result = await runCommand(["doctor"], env);
    expectBad(result, "REDIS_URL names a ca_file that cannot be read: /nowhere (ENOENT)", "redis://host:6379");
    expectBad(result, "SMTP_URL_FILE names a file that cannot be used: /nowhere (ENOENT)", "this user can read");
    expect(result.stdout).toMatch(/^✓ a worker is at work/m);
    expect(result.stdout).not.toMatch(/^. (queue|SMTP_URL is not set)/m);
    expect(result.stdout).toMatch(/\n2 things need attention\.\n$/);
  });

  test("names what is only mistyped, without calling the set-up ill", async () => {
    const { code, stdout } = await runCommand(["doctor"], { ...healthy, WORKER_CONCURENCY: "20" });
    expect(code, stdout).toBe(0);
    expect(stdout).toMatch(/^! WORKER_CONCURENCY is set, and nothing reads it\n {4}Do you mean WORKER_CONCURRENCY\?$/m);
  });

  test("says that it could not try to write where it may not, without calling the set-up ill", async () => {
    const role = `reader_${process.pid}`;
    const name = new URL(database.url).pathname.slice(1);
    await database.pool.query(
      `create role ${role} in role pg_read_all_data; revoke temporary on database ${name} from public`,
    );
    const url = new URL(database.url);
    url.searchParams.set("options", `-c role=${role}`);
    try {
      const { code, stdout } = await runCommand(["doctor"], { ...healthy, DATABASE_URL: url.href });
      expect(code, stdout).toBe(0);
      expect(stdout).toMatch(/^! whether the database takes writes cannot be tried\n {4}.*GRANT TEMPORARY/m);
    } finally {
      await database.pool.query(`grant temporary on database ${name} to public; drop role ${role}`);
    }
  });

  async function setRedis(setting: string, value: string): Promise<void> {
    const client = new Redis(healthy.REDIS_URL);
    await client.config("SET", setting, value).finally(() => client.disconnect());
  }
});

/** The finding is bad, its remedy stands below it, and the command says by its exit code that something is wrong. */
function expectBad({ code, stdout, stderr }: CommandResult, found: string, remedy: string): void {
  const lines = stdout.split("\n");
  const at = lines.findIndex((line) => line.startsWith("✗") && line.includes(found));
  expect(at, stdout).toBeGreaterThanOrEqual(0);
  expect(lines[at + 1], stdout).toContain(remedy);
  expect(lines[at + 1]).toMatch(/^ {4}/);
  expect(code).toBe(1);
  expect(stderr).toBe("");
}

/** A mail server with one user, and a certificate that nobody has signed. */
async function startMailServer() {
  const server = new SMTPServer({
    allowInsecureAuth: true,
    disableReverseLookup: true,
    onAuth: ({ password }, _session, callback) => {
      if (password === "mail-password") return callback(null, { user: "mailer" });
      callback(Object.assign(new Error("5.7.8 no"), { responseCode: 535 }));
    },
  });
  server.on("error", () => {});
  const listening = server.listen(0, "127.0.0.1");
  await once(listening, "listening");
  return {
    port: (listening.address() as AddressInfo).port,
    close: () => new Promise<void>((resolve) => server.close(resolve)),
  };
}
