import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createApiKey } from "@dripline/db/api-keys";
import { freePort } from "@dripline/embedded/free-port";
import { startInbox } from "@dripline/embedded/inbox";
import { freshDatabase } from "@dripline/testkit/database";
import { makeSequence } from "@dripline/testkit/factories";
import { describeRedis } from "@dripline/testkit/redis";
import { command, ownCluster, ownSentinels } from "@dripline/testkit/redis-forms";
import { waitFor } from "@dripline/testkit/wait-for";
import { afterAll, afterEach, expect, test } from "vitest";
import { launchProcess, type RunningProcess, startProcess } from "./child-process.ts";
import { runCommand } from "./run-command.ts";

/** The whole system, API and two workers as processes, on a Redis that is more than one server. */
describeRedis("on a Redis of several servers", async () => {
  const database = await freshDatabase();
  const directory = await mkdtemp(join(tmpdir(), "dripline-redis-forms-"));
  const inbox = await startInbox({ directory, now: () => new Date() });
  const sentinels = await ownSentinels();
  const cluster = await ownCluster();
  const running: RunningProcess[] = [];
  const stopAll = async () => void (await Promise.all(running.splice(0).map((each) => each.end("SIGTERM"))));
  afterEach(stopAll);
  afterAll(async () => {
    await inbox.close();
    await sentinels?.stop();
    await cluster?.stop();
    await rm(directory, { recursive: true });
  });

  const port = await freePort();
  const envOn = (redisUrl: string | undefined) => ({
    DATABASE_URL: database.url,
    REDIS_URL: redisUrl ?? "redis+sentinel://none.invalid/none",
    SMTP_URL: inbox.smtpUrl,
    MAIL_FROM: "Acme <hello@acme.example>",
    DRIPLINE_SECRET: "a secret of at least thirty-two characters",
    API_PORT: String(port),
    // The second step's timer is set before what happens to Redis, and fires after it.
    DRIPLINE_DAY_LENGTH: "4s",
  });
  const people = 40;

  /** Everybody gets both emails, each once, whatever `meanwhile` does after the first half was enrolled. */
  async function expectEachOnce(redisUrl: string | undefined, meanwhile: () => Promise<void>): Promise<void> {
    const env = envOn(redisUrl);
    running.push(
      ...(await Promise.all([startProcess("api", env), startProcess("worker", env), startProcess("worker", env)])),
    );
    const sequence = await makeSequence(database.pool, { steps: [{}, { delay: { value: 1, unit: "days" } }] });
    const { key } = await createApiKey(database.pool, { name: "test", now: new Date(), scopes: ["admin"] });
    const emails = Array.from({ length: people }, () => `${crypto.randomUUID()}@example.com`);
    for (const [i, email] of emails.entries()) {
      if (i === people / 2) await meanwhile();
      const answer = await fetch(`http://127.0.0.1:${port}/api/v1/sequence-enrollments/enroll/`, {
        method: "POST",
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
        body: JSON.stringify({ sequence_id: sequence.id, contact: { email, first_name: "Ann" } }),
      });
      expect(answer.status).toBe(201);
    }
    const received = () => inbox.messages().filter(({ envelopeTo: [to] }) => to !== undefined && emails.includes(to));
    // An email arrives a moment before its outcome is recorded.
    const { rows } = await waitFor(
      async () => {
        const found = await database.pool.query<{ status: string; count: number }>(
          `select status, count(*)::int from step_execution where enrollment_id in
             (select id from sequence_enrollment where sequence_id = $1) group by 1`,
          [sequence.id],
        );
        const isOver = found.rows.every(({ status }) => !["pending", "scheduled", "sending"].includes(status));
        return received().length >= 2 * people && isOver && found;
      },
      { timeoutMilliseconds: 60_000, describe: `${2 * people} emails and their outcomes` },
    );
    expect(rows).toEqual([{ status: "sent", count: 2 * people }]);
    expect(new Set(received().map(({ messageId }) => messageId)).size).toBe(2 * people);
    expect(received()).toHaveLength(2 * people);
    const doctor = await runCommand(["doctor"], env);
    expect(doctor.code, doctor.stdout).toBe(0);
  }

  test(
    "a cluster carries the queue, and everybody gets each email once",
    () => expectEachOnce(cluster?.url, async () => {}),
    120_000,
  );

  test(
    "with Sentinels the master is killed in the middle of it, and everybody gets each email once",
    () => expectEachOnce(sentinels?.url, async () => sentinels?.master.signal("SIGKILL")),
    120_000,
  );

  test.each(["api", "worker"] as const)(
    "the %s does not start on a cluster of which one node may drop jobs",
    async (role) => {
      const node = cluster?.nodes[1]?.port ?? 0;
      await command(node, "config", "set", "maxmemory-policy", "allkeys-lru");
      try {
        const process = launchProcess(role, envOn(cluster?.url));
        running.push(process);
        expect(await process.ended(), process.output()).toEqual({ code: 1, signal: null });
        expect(process.output()).toContain(`127.0.0.1:${node}: maxmemory-policy is allkeys-lru`);
      } finally {
        await command(node, "config", "set", "maxmemory-policy", "noeviction");
      }
    },
  );
});
