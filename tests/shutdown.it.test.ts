import { insertExecution } from "@dripline/db/testing/executions";
import { OutageProxy } from "@dripline/queue/testing/outage-proxy";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { describeRedis } from "@dripline/testkit/redis";
import { type SlowPlace, type SlowSmtp, startSlowSmtp } from "@dripline/testkit/slow-smtp";
import { waitFor } from "@dripline/testkit/wait-for";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ProcessEnd, type RunningProcess, startProcess } from "./child-process.ts";

/** Real worker processes that are told to stop in the middle of their work, on both queue backends. */
describe("on the PostgreSQL backend", () => stopping({}));
describeRedis("on the Redis backend", ({ url }) => stopping({ REDIS_URL: url }));

describeRedis("while Redis hangs", ({ url: redisUrl }) => {
  test("SIGTERM ends a worker that has nothing in hand within seconds and with 0, however long it might take", async () => {
    const database = await freshDatabase();
    const { proxy, url } = await OutageProxy.to(redisUrl, 6379);
    const worker = await startProcess("worker", {
      DATABASE_URL: database.url,
      REDIS_URL: url,
      SMTP_URL: "smtp://127.0.0.1:2525",
      MAIL_FROM: "Acme <hello@acme.example>",
      DRIPLINE_SECRET: "a secret of at least thirty-two characters",
      SHUTDOWN_GRACE_SECONDS: "60",
    });
    proxy.hang();
    const startedAt = performance.now();
    expect(await worker.end("SIGTERM"), worker.output()).toEqual({ code: 0, signal: null });
    expect(performance.now() - startedAt).toBeLessThan(15_000);
    await proxy.goDown();
  }, 90_000);
});

async function stopping(backend: Record<string, string>): Promise<void> {
  const database = await freshDatabase();
  let smtp: SlowSmtp;
  const workers: RunningProcess[] = [];

  beforeEach(() => database.pool.query("truncate sequence_enrollment cascade"));
  afterEach(async () => {
    await Promise.all(workers.splice(0).map((worker) => worker.end("SIGKILL")));
    await smtp.close();
  });

  function envOf(values: Record<string, string> = {}): Record<string, string> {
    return {
      ...backend,
      DATABASE_URL: database.url,
      SMTP_URL: smtp.url,
      MAIL_FROM: "Acme <hello@acme.example>",
      DRIPLINE_SECRET: "a secret of at least thirty-two characters",
      WORKER_CONCURRENCY: "8",
      // A worker that dies holds its claims for that long.
      SMTP_CONNECT_SECONDS: "20",
      SMTP_ENVELOPE_SECONDS: "20",
      SMTP_FINAL_REPLY_SECONDS: "30",
      ...values,
    };
  }

  async function startWorker(values: Record<string, string> = {}): Promise<RunningProcess> {
    const worker = await startProcess("worker", envOf(values));
    workers.push(worker);
    return worker;
  }

  /** One due email for each name; the name's first letter says where the mail server keeps it waiting. */
  async function insertEmails(names: readonly string[]): Promise<void> {
    const sequence = await makeSequence(database.pool, { steps: [{}] });
    for (const name of names) {
      const { id } = await makeContact(database.pool, { email: `${name}-${Math.random()}@example.com` });
      await insertExecution(database.pool, sequence, id);
    }
  }

  async function rows(): Promise<{ name: string; status: string; phase: string | null; attempts: number }[]> {
    const { rows } = await database.pool.query(
      `select split_part(c.email, '-', 1) as name, e.status, e.phase, e.attempt_count as attempts
       from step_execution e join sequence_enrollment n on n.id = e.enrollment_id join contact c on c.id = n.contact_id
       order by 1`,
    );
    return rows;
  }

  async function statusesOf(letter: string): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const { name, status, phase } of await rows()) {
      const state = phase === null ? status : `${status}[${phase}]`;
      if (name.startsWith(letter)) counts[state] = (counts[state] ?? 0) + 1;
    }
    return counts;
  }

  const untilSent = (letter: string, count: number) =>
    waitFor(async () => (await statusesOf(letter)).sent === count, {
      timeoutMilliseconds: 25_000,
      describe: `${count} ${letter} to be sent`,
    });

  /** Four emails at RCPT TO, four whose reply is awaited, three for which there is no room. */
  async function standInTheMiddle(worker: (env: Record<string, string>) => Promise<RunningProcess>, grace: string) {
    await insertEmails([...numbered("r", 4), ...numbered("d", 4)]);
    const running = await worker({ SHUTDOWN_GRACE_SECONDS: grace });
    await waitFor(() => smtp.waitingAt("recipient") === 4 && smtp.waitingAt("reply") === 4, {
      timeoutMilliseconds: 25_000,
      describe: "four at RCPT TO and four after the message",
    });
    await insertEmails(numbered("w", 3));
    return running;
  }

  test("SIGTERM gives what has not left back at once, waits for the replies of the rest, and ends with 0", async () => {
    smtp = await startSlowSmtp(placeOf);
    const worker = await standInTheMiddle(startWorker, "15");

    worker.kill("SIGTERM");
    await waitFor(async () => (await statusesOf("r")).scheduled === 4, {
      timeoutMilliseconds: 12_000,
      describe: "what waited at RCPT TO to be released",
    });
    expect(await statusesOf("d")).toEqual({ "sending[data]": 4 });
    smtp.goOn();

    expect(await worker.ended(), worker.output()).toEqual({ code: 0, signal: null });
    expect(await statusesOf("d")).toEqual({ sent: 4 });
    expect(await statusesOf("w")).toEqual({ scheduled: 3 });
    expect((await rows()).filter(({ status }) => status === "scheduled").every(({ attempts }) => attempts === 0)).toBe(
      true,
    );
    const { rows: events } = await database.pool.query("select kind, reason from execution_event");
    expect(events).toEqual(Array(4).fill({ kind: "released", reason: "worker_stopping" }));

    await startWorker();
    await untilSent("", 11);
    expect(new Set(smtp.received).size).toBe(11);
    expect(smtp.received).toHaveLength(11);
    expect((await rows()).every(({ attempts }) => attempts === 1)).toBe(true);
  }, 180_000);

  test("replies that do not come within the grace period are named in the log, and left to their lease", async () => {
    smtp = await startSlowSmtp(placeOf);
    const worker = await standInTheMiddle(startWorker, "4");

    expect(await worker.end("SIGTERM"), worker.output()).toEqual({ code: 1, signal: null });

    expect(await statusesOf("r")).toEqual({ scheduled: 4 });
    expect(await statusesOf("d")).toEqual({ "sending[data]": 4 });
    const { rows: left } = await database.pool.query("select id from step_execution where status = 'sending'");
    const line = worker
      .output()
      .split("\n")
      .find((each) => each.includes("stopping before these have an outcome"));
    expect((JSON.parse(line ?? "{}").executionIds as string[]).toSorted()).toEqual(left.map(({ id }) => id).toSorted());
  }, 150_000);

  test("a second signal ends it at once, and every row recovers: unsent ones go out once, the others are in doubt", async () => {
    smtp = await startSlowSmtp(placeOf);
    const worker = await standInTheMiddle(startWorker, "60");

    worker.kill("SIGTERM");
    await worker.says('"stopping"');
    // The same key pressed twice within less than half a second counts as one.
    let end: ProcessEnd | undefined;
    void worker.ended().then((how) => (end = how));
    await waitFor(
      () => {
        worker.kill("SIGTERM");
        return end !== undefined;
      },
      { timeoutMilliseconds: 3_000, describe: "it to end at once" },
    );
    expect(end).toEqual({ code: 1, signal: null });
    expect(await statusesOf("r")).toEqual({ "sending[claimed]": 4 });
    expect(await statusesOf("d")).toEqual({ "sending[data]": 4 });

    smtp.goOn();
    await database.pool.query("update step_execution set lease_until = now() where status = 'sending'");
    await startWorker();
    await untilSent("r", 4);
    await untilSent("w", 3);
    expect(await statusesOf("d")).toEqual({ in_doubt: 4 });
    expect(smtp.received).toHaveLength(11);
    expect(new Set(smtp.received).size).toBe(11);
  }, 180_000);

  test("ten workers in turn that are told to stop under load lose nothing and leave nothing in doubt", async () => {
    smtp = await startSlowSmtp(() => "nowhere", { answerMilliseconds: 150 });
    const ends: Promise<ProcessEnd>[] = [];
    let inserted = 0;
    const insertMore = async () => {
      await insertEmails(numbered("n", 30));
      inserted += 30;
    };
    let next = await startWorker();
    for (let turn = 0; turn < 10; turn += 1) {
      const worker = next;
      await insertMore();
      // The next one starts before this one stops, as in a rolling deployment; its first sweep wakes what was inserted.
      next = await startWorker();
      await waitFor(
        async () => {
          const states = Object.keys(await statusesOf("n"));
          if (!states.includes("scheduled")) await insertMore(); // all went out before the next one was ready
          return states.some((state) => state.startsWith("sending"));
        },
        { timeoutMilliseconds: 20_000, describe: "an email to be under way" },
      );
      worker.kill("SIGTERM");
      ends.push(worker.ended());
    }
    expect(await Promise.all(ends)).toEqual(Array(10).fill({ code: 0, signal: null }));

    await untilSent("n", inserted);
    expect(smtp.received).toHaveLength(inserted);
    expect(new Set(smtp.received).size).toBe(inserted);
    expect((await rows()).every(({ attempts }) => attempts === 1)).toBe(true);
  }, 240_000);
}

function numbered(letter: string, count: number): string[] {
  return Array.from({ length: count }, () => letter);
}

function placeOf(recipient: string): SlowPlace {
  return recipient.startsWith("r") ? "recipient" : recipient.startsWith("d") ? "reply" : "nowhere";
}
