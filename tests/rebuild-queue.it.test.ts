import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createApiKey } from "@dripline/db/api-keys";
import { insertExecution } from "@dripline/db/testing/executions";
import { freePort } from "@dripline/embedded/free-port";
import { startInbox } from "@dripline/embedded/inbox";
import { openWakeQueue } from "@dripline/queue/open-wake-queue";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { describeRedis, ownRedis } from "@dripline/testkit/redis";
import { waitFor } from "@dripline/testkit/wait-for";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { type RunningProcess, startProcess } from "./child-process.ts";
import { runCommand } from "./run-command.ts";

const people = 10;

describeRedis("moving a running installation", async ({ url: redisUrl }) => {
  const database = await freshDatabase();
  const directory = await mkdtemp(join(tmpdir(), "dripline-rebuild-"));
  const inbox = await startInbox({ directory, now: () => new Date() });
  const running: RunningProcess[] = [];
  const stopAll = async () => void (await Promise.all(running.splice(0).map((each) => each.end("SIGTERM"))));
  afterEach(stopAll);
  afterAll(async () => {
    await inbox.close();
    await rm(directory, { recursive: true });
  });

  const port = await freePort();
  const shared = {
    DATABASE_URL: database.url,
    SMTP_URL: inbox.smtpUrl,
    MAIL_FROM: "Acme <hello@acme.example>",
    DRIPLINE_SECRET: "a secret of at least thirty-two characters",
    API_PORT: String(port),
    // Long enough that the second step still waits when both processes are there again.
    DRIPLINE_DAY_LENGTH: "25s",
    LOG_LEVEL: "info",
  };
  const [onPostgres, onRedis] = [shared, { ...shared, REDIS_URL: redisUrl }];
  const start = async (env: Record<string, string>) => {
    running.push(...(await Promise.all([startProcess("api", env), startProcess("worker", env)])));
  };

  test.each([
    ["PostgreSQL", "Redis", onPostgres, onRedis],
    ["Redis", "PostgreSQL", onRedis, onPostgres],
  ])(
    "from %s to %s: what waits fires on time from the new queue, and everybody gets each email once",
    async (_from, _to, before, after) => {
      const sequence = await makeSequence(database.pool, { steps: [{}, { delay: { value: 1, unit: "days" } }] });
      const { key } = await createApiKey(database.pool, { name: "test", now: new Date(), scopes: ["admin"] });
      await start(before);
      const emails: string[] = [];
      for (let i = 0; i < people; i += 1) emails.push(await enroll(key, sequence.id));
      await waitFor(async () => (await count(sequence.id, "status = 'sent'")) === people, {
        timeoutMilliseconds: 25_000,
        describe: "everybody's first email",
      });

      await stopAll();
      await start(after);
      const rebuilt = await runCommand(["rebuild-queue", "--json"], after);

      expect(rebuilt).toMatchObject({ code: 0, stderr: "" });
      expect(JSON.parse(rebuilt.stdout)).toEqual({
        backend: after === onRedis ? "redis" : "postgres",
        queued: people,
      });
      await waitFor(async () => (await count(sequence.id, "status = 'sent'")) === 2 * people, {
        timeoutMilliseconds: 60_000,
        describe: "everybody's second email",
      });
      // A sweep would have found them as well, but late.
      expect(await count(sequence.id, "step_number = 2 and rescued_at is not null")).toBe(0);
      const received = inbox.messages().filter((message) => emails.some((email) => message.envelopeTo.includes(email)));
      expect(received).toHaveLength(2 * people);
      expect(new Set(received.map((message) => message.messageId)).size).toBe(2 * people);
    },
    120_000,
  );

  async function enroll(key: string, sequenceId: string): Promise<string> {
    const email = `${crypto.randomUUID()}@example.com`;
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/sequence-enrollments/enroll/`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ sequence_id: sequenceId, contact: { email, first_name: "Ann" } }),
    });
    expect(response.status).toBe(201);
    return email;
  }

  async function count(sequenceId: string, condition: string): Promise<number> {
    const { rows } = await database.pool.query(
      `select count(*)::int as count from step_execution where ${condition}
       and enrollment_id in (select id from sequence_enrollment where sequence_id = $1)`,
      [sequenceId],
    );
    return rows[0].count;
  }
});

describe("a Redis that lost everything", async () => {
  const waiting = 5_000;
  const database = await freshDatabase();
  const redis = await ownRedis();
  const env = { DATABASE_URL: database.url, REDIS_URL: redis?.url ?? "redis://127.0.0.1:1" };
  const queue = openWakeQueue({
    redisUrl: env.REDIS_URL,
    databaseUrl: database.url,
    now: () => new Date(),
    role: "producer",
  });
  afterAll(async () => {
    await queue.close();
    await redis?.stop();
  });

  test.skipIf(redis === undefined)(
    "has every delayed job again, and none twice, however often it is rebuilt",
    async () => {
      const [sequence, contact] = [await makeSequence(database.pool), await makeContact(database.pool)];
      const { executionId } = await insertExecution(database.pool, sequence, contact.id, { status: "sent" });
      const { rows } = await database.pool.query<{ id: string; scheduled_for: Date }>(
        `insert into step_execution (id, enrollment_id, step_id, step_key, step_number, status, counts_from, due_at, scheduled_for)
       select gen_random_uuid(), enrollment_id, step_id, gen_random_uuid(), 1, 'scheduled', counts_from, due_at,
              now() + interval '1 hour' + (i / 10) * interval '1 second'
       from step_execution, generate_series(1, $2::int) i where id = $1 returning id, scheduled_for`,
        [executionId, waiting],
      );
      await queue.wake(rows.map((row) => ({ executionId: row.id, generation: 0, at: row.scheduled_for })));
      expect(await queue.counts()).toMatchObject({ delayed: waiting });

      await flush(env.REDIS_URL);
      expect(await queue.counts()).toMatchObject({ delayed: 0 });
      const [first, ...more] = await Promise.all([
        runCommand(["rebuild-queue"], env),
        runCommand(["rebuild-queue"], env),
      ]);

      expect(more).toMatchObject([{ code: 0 }]);
      expect(first).toMatchObject({ code: 0, stdout: expect.stringContaining("5000 scheduled emails") });
      expect(first?.stderr).toContain("100 %  5,000 of 5,000\n");
      expect(await queue.counts()).toMatchObject({ delayed: waiting, waiting: 0, active: 0 });
      const delayed = await queue.bullQueue().getDelayed();
      expect(new Set(delayed.map((job) => job.data.executionId)).size).toBe(waiting);
    },
    60_000,
  );

  test("that is down is named, with what to do", async () => {
    await redis?.stop();
    const { code, stderr } = await runCommand(["rebuild-queue"], env);
    expect(code).toBe(1);
    expect(stderr).toMatch(/cannot be reached: is it running, and is REDIS_URL right\?/);
    expect(stderr).toMatch(/run rebuild-queue again/);
  });
});

/** By Redis' inline protocol, as an operator does with netcat. */
async function flush(url: string): Promise<void> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.once("data", (answer) => (String(answer).startsWith("+OK") ? resolve() : reject(new Error(String(answer)))));
    socket.write("FLUSHALL\r\n");
  });
  socket.destroy();
}
