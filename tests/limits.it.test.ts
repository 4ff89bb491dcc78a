import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { insertExecution } from "@dripline/db/testing/executions";
import { startInbox } from "@dripline/embedded/inbox";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { describeRedis } from "@dripline/testkit/redis";
import { waitFor } from "@dripline/testkit/wait-for";
import { afterAll, expect, test } from "vitest";
import { type RunningProcess, startProcess } from "./child-process.ts";

const emailsPerDay = 10;
const people = 30;

/** Two workers that know nothing of each other: what they share are the rows and the queue. */
describeRedis("two worker processes on Redis", async ({ url: redisUrl }) => {
  const database = await freshDatabase();
  const directory = await mkdtemp(join(tmpdir(), "dripline-limits-"));
  const inbox = await startInbox({ directory, now: () => new Date() });
  const workers: RunningProcess[] = [];
  afterAll(async () => {
    await Promise.all(workers.map((worker) => worker.end("SIGTERM")));
    await inbox.close();
    await rm(directory, { recursive: true });
  });

  test("together send no more than the sequence's limit a day; everybody else is put off, nobody dropped", async () => {
    const schedule = { timezone: zoneAtNoon(), windows: always, usesContactTimezone: false, spreadMinutes: 0 };
    const sequence = await makeSequence(database.pool, {
      steps: [{}],
      sendsPerDayMax: emailsPerDay,
      schedule: { ...schedule, closedDates: [], holidays: null, specialHours: [] },
    });
    for (let i = 0; i < people; i += 1) {
      const { id } = await makeContact(database.pool);
      await insertExecution(database.pool, sequence, id);
    }
    const env = {
      DATABASE_URL: database.url,
      REDIS_URL: redisUrl,
      SMTP_URL: inbox.smtpUrl,
      MAIL_FROM: "Acme <hello@acme.example>",
      DRIPLINE_SECRET: "a secret of at least thirty-two characters",
      LOG_LEVEL: "info",
    };
    // They find the rows with their sweeps.
    workers.push(...(await Promise.all([startProcess("worker", env), startProcess("worker", env)])));

    await waitFor(async () => (await count("execution_event", "reason = 'sequence_daily_limit'")) === 20, {
      timeoutMilliseconds: 25_000,
      describe: "twenty to be put off",
    });
    await waitFor(async () => (await count("step_execution", "status = 'sent'")) === emailsPerDay, {
      timeoutMilliseconds: 25_000,
      describe: "ten to be sent",
    });

    expect(inbox.messages()).toHaveLength(emailsPerDay);
    // Ten tomorrow, ten the day after.
    const { rows } = await database.pool.query(
      `select (scheduled_for at time zone $1)::date - (now() at time zone $1)::date as days, count(*)::int as people
       from step_execution where status = 'scheduled' group by 1 order by 1`,
      [schedule.timezone],
    );
    expect(rows).toEqual([
      { days: 1, people: 10 },
      { days: 2, people: 10 },
    ]);
    expect(await count("step_execution", "true")).toBe(people);
  }, 150_000);

  async function count(table: string, condition: string): Promise<number> {
    const { rows } = await database.pool.query(`select count(*)::int as count from ${table} where ${condition}`);
    return rows[0].count;
  }
});

const always = [1, 2, 3, 4, 5, 6, 7].map((weekday) => ({ weekday, start: "00:00", end: "24:00" }));

/** A zone where it is about noon, so that no midnight falls into the test. */
function zoneAtNoon(): string {
  const hours = new Date().getUTCHours() - 12;
  return hours === 0 ? "UTC" : `Etc/GMT${hours > 0 ? "+" : ""}${hours}`;
}
