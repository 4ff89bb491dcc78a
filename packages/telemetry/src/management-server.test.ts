import { afterEach, expect, test } from "vitest";
import { watchInstallation } from "./installation-gauges.ts";
import { makeCounter, openMetricRegistry } from "./instruments.ts";
import { type ManagementServer, startManagementServer } from "./management-server.ts";
import type { Readiness } from "./readiness.ts";
import { makeReadinessBoard } from "./readiness.ts";

const servers: ManagementServer[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())));

async function start(readiness: () => Readiness = () => ({ status: "ready" }), metrics = openMetricRegistry("worker")) {
  const server = await startManagementServer({ host: "127.0.0.1", port: 0, metrics, readiness });
  servers.push(server);
  return async (path: string, method = "GET") => {
    const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { method });
    return { status: answer.status, type: answer.headers.get("content-type"), body: await answer.text() };
  };
}

test("/metrics is what Prometheus reads, with the role on every line", async () => {
  const metrics = openMetricRegistry("worker");
  makeCounter(metrics, "dripline_claims_lost_total").inc();
  const get = await start(undefined, metrics);

  const { status, type, body } = await get("/metrics");

  expect({ status, type }).toEqual({ status: 200, type: "text/plain; version=0.0.4; charset=utf-8" });
  expect(body).toContain('dripline_claims_lost_total{role="worker"} 1');
});

test("two registries in one process know nothing of each other", async () => {
  makeCounter(openMetricRegistry("api"), "dripline_claims_lost_total").inc();
  const get = await start();

  expect((await get("/metrics")).body).not.toContain("dripline_claims_lost_total{");
});

test("/health is 503 with what is missing until the process is ready, and while it stops", async () => {
  const stopping = new AbortController();
  const board = makeReadinessBoard(stopping.signal);
  const get = await start(board.read);

  expect(await get("/health")).toMatchObject({ status: 503, body: expect.stringContaining("is starting") });
  board.waitFor("PostgreSQL does not answer.");
  expect(await get("/health")).toMatchObject({
    status: 503,
    body: expect.stringContaining("PostgreSQL does not answer."),
  });
  board.ready();
  expect(await get("/health")).toMatchObject({ status: 200, body: '{"status":"ready"}\n' });
  stopping.abort();
  expect(await get("/health")).toMatchObject({ status: 503, body: expect.stringContaining("is stopping") });
});

test("while the database or the queue is away their gauges are left out, and everything else is told", async () => {
  const metrics = openMetricRegistry("worker");
  let isAway = false;
  let now = 0;
  const answer = async <Value>(value: Value) => {
    if (isAway) throw new Error("away");
    return value;
  };
  const state = {
    dueBacklog: 7,
    oldestDueSeconds: 1.5,
    inDoubtOpen: 1,
    held: 2,
    failed: 3,
    pausedScopes: 0,
    fenceClosed: 0,
  };
  watchInstallation(metrics, {
    readState: () => answer(state),
    countJobs: () => answer({ waiting: 4 }),
    monotonic: () => now,
  });
  makeCounter(metrics, "dripline_claims_lost_total");
  const get = await start(undefined, metrics);

  const before = (await get("/metrics")).body;
  expect(before).toContain('dripline_due_backlog{role="worker"} 7');
  expect(before).toContain('dripline_queue_jobs{state="waiting",role="worker"} 4');

  isAway = true;
  now = 6_000;
  const away = await get("/metrics");
  expect(away.status).toBe(200);
  expect(away.body).not.toMatch(/^dripline_(due_backlog|oldest_due_age_seconds|queue_jobs|held)\{/m);
  expect(away.body).toContain('dripline_claims_lost_total{role="worker"} 0');
  expect(away.body).toContain('dripline_metrics_read_failures_total{source="database",role="worker"} 1');
  expect(away.body).toContain('dripline_metrics_read_failures_total{source="queue",role="worker"} 1');

  isAway = false;
  now = 12_000;
  expect((await get("/metrics")).body).toContain('dripline_due_backlog{role="worker"} 7');
});

test("a port that is taken is told with what to do", async () => {
  await start();
  const taken = servers[0]?.port ?? 0;
  const again = startManagementServer({
    host: "127.0.0.1",
    port: taken,
    metrics: openMetricRegistry("worker"),
    readiness: () => ({ status: "ready" }),
  });

  await expect(again).rejects.toThrow(
    `It cannot listen for metrics on 127.0.0.1:${taken}: another program listens there; stop it or set METRICS_PORT to a free port.`,
  );
});

test("there is nothing else: other paths are 404, other methods 405", async () => {
  const get = await start();
  expect((await get("/")).status).toBe(404);
  expect((await get("/metrics", "POST")).status).toBe(405);
});
