import { createServer } from "node:net";
import { createApiKey } from "@dripline/db/api-keys";
import { insertExecution } from "@dripline/db/testing/executions";
import { freePort } from "@dripline/embedded/free-port";
import { OutageProxy } from "@dripline/queue/testing/outage-proxy";
import { metricCatalogue, type Role } from "@dripline/telemetry/metric-catalogue";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { describeRedis } from "@dripline/testkit/redis";
import { type SlowSmtp, startSlowSmtp } from "@dripline/testkit/slow-smtp";
import { type SmtpByRecipient, startSmtpByRecipient } from "@dripline/testkit/smtp-by-recipient";
import { waitFor } from "@dripline/testkit/wait-for";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { launchProcess, type RunningProcess, startProcess } from "./child-process.ts";
import { readHealth, type Scrape, scrape } from "./scrape.ts";

/** Real processes that are watched as Prometheus and an orchestrator watch them, on both queue backends. */
describe("on the PostgreSQL backend", () => watched({}));
describeRedis("on the Redis backend", ({ url }) => watched({ REDIS_URL: url }));

const timeoutMilliseconds = 25_000;

async function watched(backend: Record<string, string>): Promise<void> {
  const database = await freshDatabase();
  let smtp: SmtpByRecipient;
  let proxy: OutageProxy;
  let api: RunningProcess;
  let worker: RunningProcess;
  let apiUrl: string;
  let key: string;
  const ports = { api: 0, worker: 0 };

  beforeAll(async () => {
    smtp = await startSmtpByRecipient();
    const way = await OutageProxy.to(database.url, 5432);
    proxy = way.proxy;
    const apiPort = await freePort();
    apiUrl = `http://127.0.0.1:${apiPort}`;
    Object.assign(ports, { api: await freePort(), worker: await freePort() });
    const env = { ...envOf(way.url, smtp.url), ...backend, API_PORT: String(apiPort) };
    [api, worker] = await Promise.all([
      startProcess("api", { ...env, METRICS_PORT: String(ports.api) }),
      startProcess("worker", { ...env, METRICS_PORT: String(ports.worker) }),
    ]);
    key = (await createApiKey(database.pool, { name: "test", now: new Date(), scopes: ["admin"] })).key;
  });

  afterAll(async () => {
    await Promise.all([api?.end("SIGTERM"), worker?.end("SIGTERM")]);
    await proxy?.goDown();
    await smtp?.close();
  });

  async function enroll(sequenceId: string, email: string): Promise<void> {
    const answer = await fetch(`${apiUrl}/api/v1/sequence-enrollments/enroll/`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ sequence_id: sequenceId, contact: { email, first_name: "Ann" } }),
    });
    expect(answer.status, await answer.text()).toBe(201);
  }

  async function countByStatus(): Promise<Record<string, number>> {
    const { rows } = await database.pool.query("select status, count(*)::int as count from step_execution group by 1");
    return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
  }

  test("what is scraped from worker and API is what the database says", async () => {
    const { id: sequenceId } = await makeSequence(database.pool, { steps: [{}] });
    for (let i = 0; i < 5; i += 1) await enroll(sequenceId, `ok-${i}@example.com`);
    smtp.playFor("gone@example.com", [{ refuseBody: { code: 554, text: "no" } }]);
    smtp.playFor("later@example.com", [{ refuseBody: { code: 451, text: "try later" } }, "accept"]);
    smtp.playFor("nothing@example.com", ["drop_after_body"]);
    for (const name of ["gone", "later", "nothing"]) await enroll(sequenceId, `${name}@example.com`);
    await waitFor(
      async () => {
        expect(await countByStatus()).toEqual({ sent: 6, failed: 1, in_doubt: 1 });
        return true;
      },
      { timeoutMilliseconds, describe: "all of them to have an outcome" },
    );

    // A record is committed a moment before it is counted, and the gauges may be five seconds old.
    const ofWorker = await scraped(ports.worker, (now) => {
      expect(now.value("dripline_sends_total", { outcome: "sent" })).toBe(6);
      expect(now.value("dripline_failed")).toBe(1);
      expect(now.value("dripline_in_doubt_open")).toBe(1);
      expect(now.value("dripline_in_hand")).toBe(0);
    });
    const sends = (outcome: string) => ofWorker.value("dripline_sends_total", { outcome });
    expect({
      failed: sends("failed"),
      retried: sends("retried"),
      in_doubt: sends("in_doubt"),
      held: sends("held"),
    }).toEqual({ failed: 1, retried: 1, in_doubt: 1, held: 0 });
    const replies = (of: string) => ofWorker.value("dripline_smtp_replies_total", { class: of });
    expect([replies("2xx"), replies("4xx"), replies("5xx"), replies("none")]).toEqual([6, 1, 1, 1]);
    expect(ofWorker.value("dripline_send_lateness_seconds_count")).toBe(6);
    const { rows } = await database.pool.query(
      "select sum(extract(epoch from sent_at - scheduled_for))::float8 as seconds from step_execution where status = 'sent'",
    );
    expect(ofWorker.value("dripline_send_lateness_seconds_sum")).toBeCloseTo(rows[0].seconds, 2);
    for (const phase of ["connection", "envelope", "mark", "body"]) {
      expect(ofWorker.value("dripline_smtp_seconds_count", { phase }), phase).toBe(9);
    }
    // From 0 on, or nobody would see the first failure rise.
    for (const sweep of ["round", "wake-unwoken", "rescue-leases"]) {
      expect(ofWorker.text).toContain(`dripline_sweep_failures_total{sweep="${sweep}",role="worker"} 0`);
    }
    expect(ofWorker.value("dripline_due_backlog")).toBe(0);
    expect(ofWorker.has("dripline_fence_closed") && ofWorker.value("dripline_fence_closed")).toBe(0);

    const ofApi = await scraped(ports.api, (now) => expect(now.value("dripline_failed")).toBe(1));
    const route = "/api/v1/sequence-enrollments/enroll/";
    expect(ofApi.value("dripline_http_request_seconds_count", { method: "POST", route, status: "201" })).toBe(8);
    for (const { port, max } of [
      { port: ports.worker, max: 15 },
      { port: ports.api, max: 10 },
    ]) {
      await scraped(port, (now) => {
        const connections = (state: string) => now.value("dripline_database_connections", { state });
        expect([connections("used"), connections("waiting")]).toEqual([0, 0]);
        expect(connections("idle")).toBeGreaterThan(0);
        expect(connections("idle")).toBeLessThanOrEqual(max);
        expect(now.value("nodejs_eventloop_lag_p99_seconds")).toBeGreaterThan(0);
        expect(now.value("process_resident_memory_bytes")).toBeGreaterThan(2 ** 20);
      });
    }
    expectEveryMetric("worker", ofWorker);
    expectEveryMetric("api", ofApi);
    expect(ofWorker.text + ofApi.text).not.toContain("@");
  }, 90_000);

  test("a backlog is seen, with the age of its oldest email", async () => {
    const { id: sequenceId } = await makeSequence(database.pool, { steps: [{}] });
    await worker.end("SIGTERM");
    await enroll(sequenceId, "waiting@example.com");
    await database.pool.query(
      "update step_execution set scheduled_for = now() - interval '1 hour' where status = 'scheduled'",
    );

    await scraped(ports.api, (now) => {
      expect(now.value("dripline_due_backlog")).toBe(1);
      expect(now.value("dripline_oldest_due_age_seconds")).toBeGreaterThanOrEqual(3_600);
      expect(now.value("dripline_oldest_due_age_seconds")).toBeLessThan(3_700);
    });
  }, 60_000);

  test("while the database is away /metrics answers, without the gauges that come from it", async () => {
    await proxy.goDown();
    const away = await scraped(ports.api, (now) => {
      expect(now.has("dripline_due_backlog")).toBe(false);
    });
    expect(away.value("dripline_metrics_read_failures_total", { source: "database" })).toBeGreaterThan(0);
    expect(away.value("dripline_http_request_seconds_count")).toBeGreaterThanOrEqual(9);
    expect((await readHealth(ports.api)).status).toBe(200);

    await proxy.goUp();
    await scraped(ports.api, (now) => expect(now.value("dripline_due_backlog")).toBe(1));
  }, 60_000);
}

describe("health", () => {
  let smtp: SlowSmtp | undefined;
  const running: RunningProcess[] = [];
  afterEach(async () => {
    await Promise.all(running.splice(0).map((each) => each.end("SIGKILL")));
    await smtp?.close();
  });

  test("a worker is not ready while it waits for its database, and says so", async () => {
    const port = await freePort();
    const nowhere = `postgres://nobody@127.0.0.1:${await freePort()}/none`;
    running.push(launchProcess("worker", { ...envOf(nowhere, "smtp://127.0.0.1:25"), METRICS_PORT: String(port) }));

    const health = await waitFor(
      async () => {
        const read = await readHealth(port);
        return read.body.reason?.includes("starting") ? undefined : read;
      },
      { timeoutMilliseconds, describe: "the worker to say what it waits for" },
    );
    expect(health).toMatchObject({ status: 503, body: { status: "not_ready" } });
    expect(health.body.reason).toContain("PostgreSQL");
    expect((await scrape(port)).value("dripline_metrics_read_failures_total", { source: "database" })).toBe(1);
  });

  test("a worker that finishes its last emails is not ready any more", async () => {
    const database = await freshDatabase();
    smtp = await startSlowSmtp(() => "reply");
    const slow = smtp;
    const port = await freePort();
    const env = { ...envOf(database.url, smtp.url), METRICS_PORT: String(port) };
    const worker = await startProcess("worker", env);
    running.push(worker);
    expect(await readHealth(port)).toEqual({ status: 200, body: { status: "ready" } });

    const sequence = await makeSequence(database.pool, { steps: [{}] });
    const { id: contactId } = await makeContact(database.pool, {});
    await insertExecution(database.pool, sequence, contactId);
    await waitFor(() => slow.waitingAt("reply") === 1, {
      timeoutMilliseconds,
      describe: "an email at the mail server",
    });
    expect((await scrape(port)).value("dripline_in_hand")).toBe(1);
    worker.kill("SIGTERM");
    await worker.says('"stopping"');

    expect(await readHealth(port)).toEqual({
      status: 503,
      body: { status: "not_ready", reason: "The process is stopping." },
    });
    smtp.goOn();
    expect(await worker.ended()).toEqual({ code: 0, signal: null });
  }, 60_000);

  test.each(["api", "worker"] as const)(
    "a METRICS_PORT that is taken keeps the %s from starting, and is named",
    async (app) => {
      const database = await freshDatabase();
      const taken = createServer();
      const port = await freePort();
      await new Promise<void>((resolve) => taken.listen(port, "127.0.0.1", resolve));
      const env = {
        ...envOf(database.url, "smtp://127.0.0.1:25"),
        METRICS_PORT: String(port),
        API_PORT: String(await freePort()),
      };
      const process = launchProcess(app, env);
      running.push(process);

      expect(await process.ended()).toEqual({ code: 1, signal: null });
      expect(process.output()).toContain(
        `It cannot listen for metrics on 127.0.0.1:${port}: another program listens there; stop it or set METRICS_PORT to a free port.`,
      );
      await new Promise((resolve) => taken.close(resolve));
    },
  );
});

function envOf(databaseUrl: string, smtpUrl: string): Record<string, string> {
  return {
    DATABASE_URL: databaseUrl,
    SMTP_URL: smtpUrl,
    MAIL_FROM: "Acme <hello@acme.example>",
    DRIPLINE_SECRET: "a secret of at least thirty-two characters",
    // A retry comes within a second.
    DRIPLINE_DAY_LENGTH: "2s",
    SHUTDOWN_GRACE_SECONDS: "15",
  };
}

/** Scrapes until it says what is expected: its gauges are read every five seconds. */
async function scraped(port: number, expectation: (now: Scrape) => void): Promise<Scrape> {
  return waitFor(
    async () => {
      const now = await scrape(port);
      expectation(now);
      return now;
    },
    { timeoutMilliseconds: 15_000, describe: "the metrics to say so" },
  );
}

/** Every metric that the catalogue gives to this role, and none that it does not name. */
function expectEveryMetric(role: Role, { text }: Scrape): void {
  const declared = Object.entries(metricCatalogue)
    .filter(([, { roles }]) => (roles as readonly string[]).includes(role))
    .map(([name]) => name);
  const told = [...text.matchAll(/^# TYPE (dripline_\S+)/gm)].map(([, name]) => name);
  expect(told.toSorted()).toEqual(declared.toSorted());
  for (const line of text.split("\n")) {
    if (line !== "" && !line.startsWith("#")) expect(line).toContain(`role="${role}"`);
  }
}
