import { type Cut, CuttingProxy } from "@dripline/db/testing/cutting-proxy";
import { openWakeQueue } from "@dripline/queue/open-wake-queue";
import { OutageProxy } from "@dripline/queue/testing/outage-proxy";
import { freshDatabase } from "@dripline/testkit/database";
import { describeRedis, ownRedis } from "@dripline/testkit/redis";
import { waitFor } from "@dripline/testkit/wait-for";
import { afterAll, describe, expect, test } from "vitest";
import { openApiDatabase } from "./open-api-database.ts";
import { expectProblem, makers } from "./testing/make.ts";
import { type Answer, startApi, type TestApi, testNow } from "./testing/start-api.ts";

/** The API with the patience that it has in production, on real services behind ways that can be cut. */
const { url, pool } = await freshDatabase();
const sound = await startApi(url);
const make = makers(sound);
const sequence = await make.sequence([0]);

/** Nobody should wait longer; what is measured stands with `openApiDatabase` and `wakeAfterCommit`, plus a busy machine. */
const databaseSecondsMax = 3 + 10 + 5;
const queueSecondsMax = 2 + 3;

/** Another way to ask for the same: the sound API's, until the test says where the request goes. */
async function enrollThrough(api: TestApi, key: string, contactId: string): Promise<Answer> {
  const body = { sequence_id: sequence.id, contact_id: contactId };
  const headers = { "idempotency-key": key, authorization: `Bearer ${sound.key}` };
  return api.send("POST", "/api/v1/sequence-enrollments/enroll/", { body, headers, key: sound.key });
}

/** All that an enrollment writes for this contact, and the stored answer: everything once, or nothing. */
async function written(key: string, contactId: string): Promise<Record<string, number>> {
  const { rows } = await pool.query(
    `select (select count(*)::int from sequence_enrollment where contact_id = $2) as enrollments,
            (select count(*)::int from step_execution e join sequence_enrollment n on n.id = e.enrollment_id
             where n.contact_id = $2) as executions,
            (select count(*)::int from audit_log a join sequence_enrollment n on n.id::text = a.object_id
             where a.action = 'enroll' and n.contact_id = $2) as audits,
            (select count(*)::int from idempotency_key where key = $1) as answers`,
    [key, contactId],
  );
  return rows[0];
}

const once = { enrollments: 1, executions: 1, audits: 1, answers: 1 };
const nothing = { enrollments: 0, executions: 0, audits: 0, answers: 0 };

function expectUnavailable(answer: Answer): void {
  expectProblem(answer, 503, "database_unavailable");
  expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
}

async function timed<T>(work: Promise<T>): Promise<{ result: T; seconds: number }> {
  const startedAt = performance.now();
  const result = await work;
  return { result, seconds: (performance.now() - startedAt) / 1_000 };
}

/** Repeats until the answer is a success: what a client does that was told to try again. */
async function untilEnrolled(api: TestApi, key: string, contactId: string): Promise<Answer> {
  return waitFor(
    async () => {
      const answer = await enrollThrough(api, key, contactId);
      if (answer.status === 201) return answer;
      expect([409, 503], JSON.stringify(answer.body)).toContain(answer.status);
      return undefined;
    },
    { timeoutMilliseconds: 25_000, describe: "the repeated request to succeed" },
  );
}

async function terminate(): Promise<void> {
  await pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and application_name = 'dripline api'`,
  );
}

describe("while the database", async () => {
  const { proxy, url: through } = await OutageProxy.to(url, 5432);
  const database = openApiDatabase(through, () => {});
  const api = await startApi(url, { database });
  afterAll(() => proxy.goDown());

  const outages: [string, { begin(): Promise<void> | void; end(): Promise<void> | void }][] = [
    ["refuses connections", { begin: () => proxy.goDown(), end: () => proxy.goUp() }],
    ["is behind a network that swallows everything", { begin: () => proxy.hang(), end: () => proxy.goOn() }],
    ["is read-only, as the old primary after a failover", { begin: () => readOnly("on"), end: () => readOnly("off") }],
  ];

  test.each(outages)(
    "%s, enrolling is answered 503 with Retry-After in time, and can be repeated",
    async (what, outage) => {
      const [key, contact] = [what, await make.contact()];
      await untilEnrolled(api, `${what} before`, (await make.contact()).id); // connections are open
      await outage.begin();
      const { result: answer, seconds } = await timed(enrollThrough(api, key, contact.id));
      expectUnavailable(answer);
      expect(seconds).toBeLessThan(databaseSecondsMax);
      expect(await written(key, contact.id)).toEqual(nothing);

      await outage.end();
      await untilEnrolled(api, key, contact.id);
      expect(await written(key, contact.id)).toEqual(once);
    },
  );

  test("restarts in the middle of a request, it is answered 503, and the process goes on", async () => {
    const contact = await make.contact();
    const blocker = await pool.connect();
    await blocker.query("begin");
    await blocker.query("lock table audit_log in exclusive mode");
    const request = enrollThrough(api, "restart", contact.id);
    await waitFor(
      async () =>
        (
          await pool.query(
            "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
          )
        ).rowCount === 1,
      { timeoutMilliseconds: 10_000, describe: "the request to stand in its transaction" },
    );
    await terminate();
    expectUnavailable(await request);
    await blocker.query("rollback");
    blocker.release();

    expect(await written("restart", contact.id)).toEqual(nothing);
    await untilEnrolled(api, "restart", contact.id);
    expect(await written("restart", contact.id)).toEqual(once);
  });

  test("has no connection left, it is answered 503", async () => {
    const role = `api_${Date.now()}`;
    await pool.query(`create role ${role} login password 'secret' connection limit 0`);
    const limited = new URL(url);
    limited.username = role;
    limited.password = "secret";
    const crowded = await startApi(url, { database: openApiDatabase(limited.href, () => {}) });
    const answer = await enrollThrough(crowded, "crowded", (await make.contact()).id);
    await pool.query(`drop role ${role}`);
    expectUnavailable(answer);
  });

  async function readOnly(value: "on" | "off"): Promise<void> {
    const client = await pool.connect();
    await client.query("set default_transaction_read_only = off");
    await client.query(`alter database ${new URL(url).pathname.slice(1)} set default_transaction_read_only = ${value}`);
    client.release();
    await terminate();
  }
});

describe("a connection that is lost at any statement of an enrollment", async () => {
  const { proxy, url: through } = await CuttingProxy.to(url);
  const api = await startApi(url, { database: openApiDatabase(through, () => {}) });
  afterAll(() => proxy.close());

  test.each<Cut>(["refuse", "swallow"])(
    "leaves everything or nothing, and the repeated request has its effect once (%s)",
    async (how) => {
      let statements = 0;
      let committedUnanswered = 0;
      for (let isCut = true; isCut; ) {
        statements += 1;
        const [key, contact] = [`${how} ${statements}`, await make.contact()];
        await untilEnrolled(api, `${key} before`, (await make.contact()).id); // a connection is open
        isCut = false;
        const cutting = proxy.cutStatement(statements, how).then(() => (isCut = true));
        const answer = await enrollThrough(api, key, contact.id);
        proxy.leaveAlone();
        void cutting;

        const found = await written(key, contact.id);
        if (!isCut) {
          expect(answer.status).toBe(201);
          break;
        }
        expectUnavailable(answer);
        expect([once, nothing], `after statement ${statements}`).toContainEqual(found);
        if (found.enrollments === 1) committedUnanswered += 1;

        const repeated = await untilEnrolled(api, key, contact.id);
        const again = await enrollThrough(api, key, contact.id);
        expect(again.body).toEqual(repeated.body);
        expect(await written(key, contact.id)).toEqual(once);
        if (found.enrollments === 1) expect(repeated.headers.get("idempotency-replayed")).toBe("true");
      }
      expect(statements).toBeGreaterThan(8);
      // The commit that went through, and whose answer was lost.
      expect(committedUnanswered).toBe(how === "swallow" ? 1 : 0);
    },
    60_000,
  );

  test("or falls silent before the commit, is answered in time, and its locks do not outlive it for long", async () => {
    const contact = await make.contact();
    await untilEnrolled(api, "silent before", (await make.contact()).id);
    const held = proxy.cutStatement(6, "hold");
    const { result: answer, seconds } = await timed(enrollThrough(api, "silent", contact.id));
    await held;
    expectUnavailable(answer);
    expect(seconds).toBeLessThan(databaseSecondsMax);
    await untilEnrolled(api, "silent", contact.id);
    expect(await written("silent", contact.id)).toEqual(once);
  }, 60_000);
});

test("of twenty requests at once with one Idempotency-Key one has the effect, and all that succeed say the same", async () => {
  const contact = await make.contact();
  const answers = await Promise.all(Array.from({ length: 20 }, () => enrollThrough(sound, "twenty", contact.id)));

  const successes = answers.filter(({ status }) => status === 201);
  for (const answer of answers) if (answer.status !== 201) expectProblem(answer, 409, "idempotency_in_progress");
  for (const { body } of successes) expect(body).toEqual(successes[0]?.body);
  expect(successes.length).toBeGreaterThan(0);
  expect(await written("twenty", contact.id)).toEqual(once);
});

describeRedis("while only the queue", async ({ url: redisUrl }) => {
  const { proxy, url: through } = await OutageProxy.to(redisUrl, 6379);
  const queue = openWakeQueue({ redisUrl: through, databaseUrl: url, now: () => testNow, role: "producer" });
  const api = await startApi(url, { database: openApiDatabase(url, () => {}), queue });
  afterAll(() => proxy.goDown());

  const outages: [string, { begin(): Promise<void> | void; end(): Promise<void> | void }][] = [
    ["hangs", { begin: () => proxy.hang(), end: () => proxy.goOn() }],
    ["refuses connections", { begin: () => proxy.goDown(), end: () => proxy.goUp() }],
  ];

  test.each(outages)(
    "%s, enrolling is answered 201 within about two seconds: the row is the truth",
    async (what, outage) => {
      await waitFor(async () => (await queue.check()).isReachable, {
        timeoutMilliseconds: 10_000,
        describe: "the queue to be reachable",
      });
      await outage.begin();
      for (const turn of [1, 2]) {
        const contact = await make.contact();
        const { result: answer, seconds } = await timed(enrollThrough(api, `${what} ${turn}`, contact.id));
        expect(answer.status).toBe(201);
        expect(seconds).toBeLessThan(queueSecondsMax);
        expect(await written(`${what} ${turn}`, contact.id)).toEqual(once);
      }
      await outage.end();
    },
  );

  test("was flushed, enrolling is answered 201 and its wake-up is queued", async () => {
    const redis = await ownRedis();
    if (redis === undefined) throw new Error("there is no redis-server on PATH");
    const flushed = openWakeQueue({ redisUrl: redis.url, databaseUrl: url, now: () => testNow, role: "producer" });
    const onFlushed = await startApi(url, { queue: flushed });
    const enroll = async (key: string) => enrollThrough(onFlushed, key, (await make.contact()).id);
    expect((await enroll("unflushed")).status).toBe(201);
    await flushed.bullQueue().obliterate({ force: true });
    expect((await enroll("flushed")).status).toBe(201);
    const counts = await flushed.counts();
    expect((counts.waiting ?? 0) + (counts.delayed ?? 0)).toBe(1);
    await redis.stop();
  });
});
