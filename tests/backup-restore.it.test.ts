import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { migrateDatabase } from "@dripline/db/migrate";
import { insertExecution } from "@dripline/db/testing/executions";
import { type Inbox, startInbox } from "@dripline/embedded/inbox";
import { migratePostgresQueue } from "@dripline/queue/migrate-postgres-queue";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { waitFor } from "@dripline/testkit/wait-for";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startProcess } from "./child-process.ts";
import { findPostgresTools, type PostgresTools } from "./postgres-tools.ts";
import { runCommand } from "./run-command.ts";

const tools = findPostgresTools();
if (tools === undefined) {
  process.stdout.write(
    "No PostgreSQL of the system's packages (apt-get install postgresql): backups are NOT tested.\n",
  );
}

const people = 120;

describe.skipIf(tools === undefined)("a dump of an installation that is sending, restored on another server", () => {
  const { startServer, dump, restore } = (tools ?? {}) as PostgresTools; // skipped, this is read all the same
  const cleanUp: (() => Promise<unknown>)[] = [];
  let directory: string;
  let inbox: Inbox;
  /** What the dump says of each address, and what the original had sent by the time it was lost. */
  let sentInDump: Set<string>;
  let sentByOriginal: Set<string> | undefined;
  let file: string;

  afterAll(async () => {
    for (const step of cleanUp.reverse()) await step();
  });

  const envFor = (url: string) => ({
    DATABASE_URL: url,
    SMTP_URL: inbox.smtpUrl,
    MAIL_FROM: "Acme <hello@acme.example>",
    DRIPLINE_SECRET: "a secret of at least thirty-two characters",
    PUBLIC_URL: "https://mail.example.com",
    // The second step is due two seconds after the first.
    DRIPLINE_DAY_LENGTH: "2s",
    // What was in hand in the moment of the dump is settled after this long.
    SMTP_CONNECT_SECONDS: "1",
    SMTP_ENVELOPE_SECONDS: "1",
    CLAIM_LEASE_SECONDS: "3",
    SMTP_FINAL_REPLY_SECONDS: "2",
    LOG_LEVEL: "info",
  });

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "dripline-backup-"));
    cleanUp.push(() => rm(directory, { recursive: true }));
    inbox = await startInbox({ directory: join(directory, "inbox"), now: () => new Date() });
    cleanUp.push(() => inbox.close());
    file = join(directory, "backup.dump");

    const server = await startServer();
    cleanUp.push(() => server.stop());
    await migrateDatabase(server.url);
    await migratePostgresQueue(server.url);
    const db = openPool(server.url);
    const sequence = await makeSequence(db, { steps: [{}, { delay: { value: 1, unit: "days" } }] });
    for (let i = 0; i < people; i += 1) await insertExecution(db, sequence, (await makeContact(db)).id);

    // Slow enough that there is a middle to be dumped in and to be lost in.
    const worker = await startProcess("worker", { ...envFor(server.url), SENDS_PER_SECOND_MAX: "25" });
    const firstSteps = async () => (await sentTo(db)).size;
    await waitFor(async () => (await firstSteps()) > people / 4, {
      timeoutMilliseconds: 30_000,
      describe: "a quarter",
    });
    await dump(server.url, file);
    const atDump = await firstSteps();
    await waitFor(async () => (await firstSteps()) > atDump + 10, { timeoutMilliseconds: 30_000, describe: "more" });
    await worker.end("SIGKILL");
    await db.end();
  }, 120_000);

  function openPool(url: string): pg.Pool {
    const pool = new pg.Pool({ connectionString: url });
    pool.on("error", () => {});
    pool.on("connect", (client) => client.on("error", () => {}));
    return pool;
  }

  /** On a server of its own, with a worker that runs and is fenced. */
  async function restored() {
    const server = await startServer();
    cleanUp.push(() => server.stop());
    await restore(server.url, file);
    const db = openPool(server.url);
    cleanUp.push(() => db.end());
    sentInDump = await sentTo(db);
    expect(sentInDump.size).toBeGreaterThan(0);
    expect(sentInDump.size).toBeLessThan(people);
    const env = envFor(server.url);
    const worker = await startProcess("worker", env);
    cleanUp.push(() => worker.end("SIGTERM"));
    await worker.says("fenced: This database is a copy or was restored");
    // Not right after the kill: what it had handed over by then was still being stored.
    sentByOriginal ??= new Set(inbox.messages().flatMap(({ envelopeTo }) => envelopeTo));
    expect(await runCommand(["migrate"], env)).toMatchObject({ code: 0 });
    return { db, env, worker, seen: inbox.messages().length };
  }

  test("sends nothing until it is adopted, then everything that was still to be sent, and of what was sent before the dump nothing again", async () => {
    const { db, env, worker, seen } = await restored();
    expect(await runCommand(["doctor"], env)).toMatchObject({ stdout: expect.stringContaining("dripline adopt") });
    expect(inbox.messages()).toHaveLength(seen);

    expect(await runCommand(["adopt", "--yes"], env)).toMatchObject({ code: 0 });
    expect(await runCommand(["rebuild-queue"], env)).toMatchObject({ code: 0 });
    await waitFor(async () => (await active(db)) === 0, { timeoutMilliseconds: 90_000, describe: "all to complete" });
    await worker.end("SIGTERM");

    const copies = firstCopies(inbox);
    expect(copies.size).toBe(people);
    for (const [address, count] of copies) {
      // What the original sent after the dump is not known here: that, and nothing else, goes out again.
      const isUnknown = sentByOriginal?.has(address) === true && !sentInDump.has(address);
      if (!isUnknown) expect(count, address).toBe(1);
    }
  }, 180_000);

  test("holds what was due instead, if asked to, and sends it when somebody has looked at it", async () => {
    const { db, env } = await restored();
    const before = firstCopies(inbox);
    const { rows: due } = await db.query<{ email: string }>(
      `select c.email from step_execution e join sequence_enrollment n on n.id = e.enrollment_id join contact c on c.id = n.contact_id
       where e.step_number = 1 and (e.status = 'scheduled' or e.phase = 'claimed') and e.scheduled_for <= clock_timestamp()`,
    );
    const adopted = await runCommand(["adopt", "--yes", "--hold-due"], env);
    expect(adopted).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/\d+ emails are held\. .*dripline retry --held\./),
    });
    await waitFor(async () => (await count(db, "status = 'scheduled' and scheduled_for <= now()")) === 0, {
      timeoutMilliseconds: 60_000,
      describe: "whatever is not held to go out",
    });
    const held = await count(db, "status = 'pending' and hold_reason = 'maybe_sent_before_restore'");
    expect(held).toBeGreaterThanOrEqual(due.length);
    for (const { email } of due) expect(firstCopies(inbox).get(email), email).toBe(before.get(email));

    expect(await runCommand(["retry", "--held"], env)).toMatchObject({ stdout: expect.stringContaining(`${held} `) });
    await waitFor(async () => (await active(db)) === 0, { timeoutMilliseconds: 90_000, describe: "all to complete" });
    expect(await count(db, "status not in ('sent', 'in_doubt')")).toBe(0);
  }, 180_000);
});

async function sentTo(db: pg.Pool): Promise<Set<string>> {
  const { rows } = await db.query<{ email: string }>(
    `select c.email from step_execution e join sequence_enrollment n on n.id = e.enrollment_id join contact c on c.id = n.contact_id
     where e.step_number = 1 and (e.status in ('sent', 'in_doubt') or e.phase = 'data')`,
  );
  return new Set(rows.map(({ email }) => email));
}

async function active(db: pg.Pool): Promise<number> {
  return (await db.query("select from sequence_enrollment where status = 'active'")).rowCount ?? 0;
}

async function count(db: pg.Pool, condition: string): Promise<number> {
  return (await db.query(`select from step_execution where ${condition}`)).rowCount ?? 0;
}

/** How many copies of the first step's email came to each address; a copy has the Message-ID of the first. */
function firstCopies(inbox: Inbox): Map<string, number> {
  const first = new Map<string, string>();
  const copies = new Map<string, number>();
  for (const { envelopeTo, messageId } of inbox.messages().toReversed()) {
    const [address = ""] = envelopeTo;
    const of = first.get(address) ?? messageId ?? "";
    first.set(address, of);
    if (messageId === of) copies.set(address, (copies.get(address) ?? 0) + 1);
  }
  return copies;
}
