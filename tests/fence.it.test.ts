import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { insertExecution } from "@dripline/db/testing/executions";
import { startInbox } from "@dripline/embedded/inbox";
import { copyDatabase, freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { describeRedis } from "@dripline/testkit/redis";
import { waitFor } from "@dripline/testkit/wait-for";
import type pg from "pg";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { type RunningProcess, startProcess } from "./child-process.ts";
import { runCommand } from "./run-command.ts";

const people = 12;
/** Of the one who has two to get, one is put off. */
const sentAtOnce = people + 1;

/** A copy of a database with people in it who are due, and real workers on it. */
describe("on the PostgreSQL backend", () => copies({}));
describeRedis("on the Redis backend", ({ url }) => copies({ REDIS_URL: url }));

async function copies(backend: Record<string, string>): Promise<void> {
  const original = await freshDatabase();
  const sequence = await makeSequence(original.pool, { steps: [{}] });
  for (let i = 0; i < people; i += 1) {
    await insertExecution(original.pool, sequence, (await makeContact(original.pool)).id);
  }
  // And one who has two emails to get for hours.
  const late = await makeContact(original.pool);
  const hoursAgo = new Date(Date.now() - 3 * 3_600_000);
  for (const of of [sequence, await makeSequence(original.pool, { steps: [{}] })]) {
    await insertExecution(original.pool, of, late.id, { dueAt: hoursAgo, scheduledFor: hoursAgo });
  }
  await original.pool.end();
  const copy = await copyDatabase(original.url);
  const db = copy.pool;

  const directory = await mkdtemp(join(tmpdir(), "dripline-fence-"));
  const inbox = await startInbox({ directory, now: () => new Date() });
  const running: RunningProcess[] = [];
  const stopAll = async () => void (await Promise.all(running.splice(0).map((each) => each.end("SIGTERM"))));
  afterEach(stopAll);
  afterAll(async () => {
    await inbox.close();
    await rm(directory, { recursive: true });
  });
  const env = {
    ...backend,
    DATABASE_URL: copy.url,
    SMTP_URL: inbox.smtpUrl,
    MAIL_FROM: "Acme <hello@acme.example>",
    DRIPLINE_SECRET: "a secret of at least thirty-two characters",
    LOG_LEVEL: "info",
  };
  const startWorkers = async (count: number, values: Record<string, string> = {}) => {
    const workers = await Promise.all(
      Array.from({ length: count }, () => startProcess("worker", { ...env, ...values })),
    );
    running.push(...workers);
    return workers;
  };

  test("workers on it run, say what to do, and leave everything as it is; adopting it under them sends everything once, overdue emails to one person one at a time", async () => {
    const before = await everyRow(db);
    const workers = await startWorkers(2);
    for (const worker of workers) await worker.says("fenced: This database is a copy");
    for (const worker of workers) expect(worker.output()).toMatch(/dripline adopt/);
    await aSweepLater(db);
    expect(await everyRow(db)).toEqual(before);
    expect(inbox.messages()).toEqual([]);

    const asked = await runCommand(["adopt"], env);
    expect(asked).toMatchObject({ code: 1, stderr: expect.stringContaining("--yes") });
    expect(asked.stdout).toContain(`${people + 2} are due, to ${people + 1} people`);
    const adopted = await runCommand(["adopt", "--yes"], env);
    expect(adopted).toMatchObject({ code: 0, stdout: expect.stringContaining("Adopted") });

    await untilSent(db, sentAtOnce);
    expect(inbox.messages()).toHaveLength(sentAtOnce);
    expect(new Set(inbox.messages().flatMap(({ envelopeTo }) => envelopeTo)).size).toBe(sentAtOnce);
    const { rows: putOff } = await db.query(
      `select v.reason, e.scheduled_for > now() + interval '50 minutes' as is_much_later
       from step_execution e join execution_event v on v.execution_id = e.id where e.status = 'scheduled'`,
    );
    expect(putOff).toEqual([{ reason: "one_overdue_at_a_time", is_much_later: true }]);
    const { rows: audit } = await db.query("select principal, action, data->>'was' as was from audit_log");
    expect(audit).toEqual([{ principal: "dripline adopt", action: "adopt", was: "copied" }]);
  }, 60_000);

  test("a fence that is closed under a running worker stops it within seconds, and adopting lets it go on", async () => {
    const [worker] = await startWorkers(1);
    expect(await runCommand(["adopt", "--revoke", "--yes"], env)).toMatchObject({ code: 0 });
    await worker?.says("fenced: This database was never adopted");
    await insertExecution(db, sequence, (await makeContact(db)).id);
    const before = await everyRow(db);
    await aSweepLater(db);
    expect(await everyRow(db)).toEqual(before);

    expect(await runCommand(["adopt", "--yes"], env)).toMatchObject({ code: 0 });
    await worker?.says("this database is adopted");
    await untilSent(db, sentAtOnce + 1);
  }, 60_000);

  test("a worker with another public address than the first one is fenced, and the first one goes on", async () => {
    const [first] = await startWorkers(1, { PUBLIC_URL: "https://mail.example.com" });
    const [other] = await startWorkers(1, { PUBLIC_URL: "https://staging.example.com" });
    await other?.says("fenced: PUBLIC_URL is https://staging.example.com here");
    await insertExecution(db, sequence, (await makeContact(db)).id);
    await untilSent(db, sentAtOnce + 2);
    expect(first?.output()).not.toContain("fenced");

    // The address has moved: whoever says so closes it for the old one.
    const staging = { ...env, PUBLIC_URL: "https://staging.example.com" };
    expect(await runCommand(["adopt", "--yes"], staging)).toMatchObject({ code: 0 });
    await other?.says("this database is adopted");
    await first?.says("fenced: PUBLIC_URL is https://mail.example.com here");
  }, 60_000);

  test("of two who adopt at once one does, and it is on record once", async () => {
    await db.query("delete from adoption; truncate audit_log");
    const results = await Promise.all([runCommand(["adopt", "--yes"], env), runCommand(["adopt", "--yes"], env)]);
    expect(results).toMatchObject([{ code: 0 }, { code: 0 }]);
    expect((await db.query("select from adoption")).rowCount).toBe(1);
    expect((await db.query("select from audit_log where action = 'adopt'")).rowCount).toBe(1);
  }, 30_000);
}

async function everyRow(db: pg.Pool): Promise<unknown[]> {
  const { rows } = await db.query("select * from step_execution order by id");
  return rows;
}

/** Long enough for anything that a worker does now and then; its sweeps come every five seconds. */
async function aSweepLater(db: pg.Pool): Promise<void> {
  const { rows } = await db.query<{ until: Date }>("select clock_timestamp() + interval '7 seconds' as until");
  await waitFor(
    async () =>
      (await db.query("select from (select 1) x where clock_timestamp() > $1", [rows[0]?.until])).rowCount === 1,
    {
      timeoutMilliseconds: 15_000,
      describe: "a sweep's time to pass",
    },
  );
}

async function untilSent(db: pg.Pool, count: number): Promise<void> {
  const sent = "select from step_execution where status = 'sent' and attempt_count = 1";
  await waitFor(async () => (await db.query(sent)).rowCount === count, {
    timeoutMilliseconds: 20_000,
    describe: `${count} emails to be sent`,
  });
}
