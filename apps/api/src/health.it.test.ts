import { openDatabase } from "@dripline/db/database";
import { openWakeQueue } from "@dripline/queue/open-wake-queue";
import { freshDatabase } from "@dripline/testkit/database";
import { expect, test } from "vitest";
import { expectProblem } from "./testing/make.ts";
import { startApi, testNow } from "./testing/start-api.ts";

const nowhere = "postgres://nobody@127.0.0.1:1/none";
const { url, pool } = await freshDatabase();
const api = await startApi(url);
const ready = (from = api) => from.send("GET", "/health/ready", { key: null });

test("a process that runs is alive, and with database and queue it is ready", async () => {
  expect((await api.send("GET", "/health/live", { key: null })).body).toEqual({ status: "alive" });
  const answer = await ready();
  expect(answer.status).toBe(200);
  expect(answer.body.status).toBe("ready");
});

test("without its database a process is alive but not ready, and says why without naming hosts", async () => {
  const database = openDatabase({ url: nowhere, connectionsMax: 1, applicationName: "test", onError: () => {} });
  const cut = await startApi(url, { database });

  expect((await cut.send("GET", "/health/live", { key: null })).status).toBe(200);
  const problem = expectProblem(await ready(cut), 503, "not_ready");
  expect(problem.checks.database).toMatchObject({ status: "down", detail: "The database does not answer." });
  expect(JSON.stringify(problem)).not.toContain("127.0.0.1");
});

test("a database that is not migrated is not ready, and the answer says what to do", async () => {
  await pool.query("alter table drizzle.__drizzle_migrations rename to away");
  const answer = await ready();
  await pool.query("alter table drizzle.away rename to __drizzle_migrations");

  const problem = expectProblem(answer, 503, "not_ready");
  expect(problem.checks.migrations).toMatchObject({
    status: "down",
    detail: expect.stringContaining("dripline migrate"),
  });
});

test("a queue that is down degrades and no more", async () => {
  const queue = openWakeQueue({ databaseUrl: nowhere, now: () => testNow, role: "producer" });
  const answer = await ready(await startApi(url, { queue }));

  expect(answer.status).toBe(200);
  expect(answer.body).toMatchObject({
    status: "degraded",
    checks: { database: { status: "up" }, queue: { status: "down" } },
  });
});

test("a database that is a copy degrades, and the answer says what to do without telling where it is from", async () => {
  await pool.query("begin; create table kept as table adoption; commit; begin; truncate adoption; commit");
  await pool.query("insert into adoption table kept; drop table kept");
  const answer = await ready();

  expect(answer.status).toBe(200);
  expect(answer.body).toMatchObject({
    status: "degraded",
    checks: { fence: { status: "down", detail: expect.stringContaining("dripline adopt") }, queue: { status: "up" } },
  });
  expect(JSON.stringify(answer.body)).not.toContain(new URL(url).pathname.slice(1));
});
