import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { insertExecution } from "@dripline/db/testing/executions";
import { startInbox } from "@dripline/embedded/inbox";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { describeRedis } from "@dripline/testkit/redis";
import { waitFor } from "@dripline/testkit/wait-for";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { type RunningProcess, startProgram } from "./child-process.ts";

const others = 20;
const deaths = 5;

/** An email that ends the process of every worker that takes it in hand, among others that are due at the same time. */
describe("on the PostgreSQL backend", () => poison({}));
describeRedis("on the Redis backend", ({ url }) => poison({ REDIS_URL: url }));

async function poison(backend: Record<string, string>): Promise<void> {
  const database = await freshDatabase();
  const directory = await mkdtemp(join(tmpdir(), "dripline-poison-"));
  const inbox = await startInbox({ directory, now: () => new Date() });
  let supervisor: Supervisor | undefined;
  afterEach(() => supervisor?.stop());
  afterAll(async () => {
    await inbox.close();
    await rm(directory, { recursive: true });
  });

  test.each([
    ["before it is claimed", "composed"],
    ["after it was claimed", "claimed"],
  ])(
    "an email that kills workers %s is stopped after five deaths, and everybody else gets theirs",
    async (_, checkpoint) => {
      const sequence = await makeSequence(database.pool, { steps: [{}] });
      const people = [];
      for (let i = 0; i <= others; i += 1) {
        const contact = await makeContact(database.pool);
        people.push({ ...contact, ...(await insertExecution(database.pool, sequence, contact.id)) });
      }
      const [poisoned, ...innocent] = people;
      const executionId = poisoned?.executionId ?? "";

      supervisor = await supervise({
        ...backend,
        DATABASE_URL: database.url,
        SMTP_URL: inbox.smtpUrl,
        MAIL_FROM: "Acme <hello@acme.example>",
        DRIPLINE_SECRET: "a secret of at least thirty-two characters",
        SMTP_CONNECT_SECONDS: "1",
        SMTP_ENVELOPE_SECONDS: "1",
        CLAIM_LEASE_SECONDS: "3",
        SMTP_FINAL_REPLY_SECONDS: "1",
        WORKER_CONCURRENCY: "5",
        LOG_LEVEL: "info",
        KILLED_BY: JSON.stringify({ executionId, checkpoint }),
      });

      await waitFor(async () => (await statusOf(executionId)).status === "failed", {
        timeoutMilliseconds: 50_000,
        describe: "the email that kills to be stopped",
      });
      expect(await statusOf(executionId)).toEqual({ status: "failed", worker_losses: deaths });
      // What was at the mail server in the moment of a death is in doubt, and nobody's second email.
      await waitFor(
        async () => {
          const { rows } = await database.pool.query(
            `select count(*)::int as open from step_execution
           where id = any($1) and status not in ('sent', 'in_doubt')`,
            [innocent.map((each) => each.executionId)],
          );
          return rows[0].open === 0;
        },
        { timeoutMilliseconds: 30_000, describe: "everybody else to be through" },
      );
      expect(supervisor.deaths()).toBe(deaths);
      const { rows } = await database.pool.query(
        "select reason, message from execution_event where execution_id = $1 order by at desc, id desc limit 1",
        [executionId],
      );
      expect(rows).toMatchObject([{ reason: "worker_lost_repeatedly" }]);

      const received = inbox.messages().flatMap((message) => message.envelopeTo);
      const sent = await database.pool.query(
        `select c.email from step_execution e join sequence_enrollment n on n.id = e.enrollment_id
       join contact c on c.id = n.contact_id where e.status = 'sent' and n.sequence_id = $1`,
        [sequence.id],
      );
      expect(received).toEqual(expect.arrayContaining(sent.rows.map((row) => row.email)));
      expect(received).not.toContain(poisoned?.email);
      expect(new Set(received).size).toBe(received.length);
    },
    100_000,
  );

  async function statusOf(id: string) {
    const { rows } = await database.pool.query("select status, worker_losses from step_execution where id = $1", [id]);
    return rows[0];
  }
}

interface Supervisor {
  deaths(): number;
  stop(): Promise<void>;
}

/** Two workers, each of which is started again when it dies, as a container runtime does. */
async function supervise(env: Record<string, string>): Promise<Supervisor> {
  let deaths = 0;
  let isStopped = false;
  const running = new Set<RunningProcess>();
  const keep = async (): Promise<void> => {
    while (!isStopped) {
      const worker = await startProgram("./poison-worker.mjs", env).catch(() => undefined);
      if (worker === undefined) {
        deaths += 1; // it died before it could say that it is ready
        continue;
      }
      running.add(worker);
      if (isStopped) await worker.end("SIGTERM");
      const { signal } = await worker.ended();
      running.delete(worker);
      if (signal === "SIGKILL") deaths += 1;
    }
  };
  const keepers = [keep(), keep()];
  return {
    deaths: () => deaths,
    async stop() {
      isStopped = true;
      for (const worker of running) await worker.end("SIGTERM");
      await Promise.all(keepers);
    },
  };
}
