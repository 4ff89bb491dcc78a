import { connect } from "node:net";
import { createApiKey } from "@dripline/db/api-keys";
import { CuttingProxy } from "@dripline/db/testing/cutting-proxy";
import { freePort } from "@dripline/embedded/free-port";
import { OutageProxy } from "@dripline/queue/testing/outage-proxy";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { describeRedis } from "@dripline/testkit/redis";
import { startSlowSmtp } from "@dripline/testkit/slow-smtp";
import { waitFor } from "@dripline/testkit/wait-for";
import { afterEach, expect, test } from "vitest";
import { type RunningProcess, startProcess } from "./child-process.ts";

/** The API as a process of its own, killed and cut off in the middle of an enrollment. */
const database = await freshDatabase();
const { key } = await createApiKey(database.pool, { name: "test", now: new Date(), scopes: ["admin"] });
const sequence = await makeSequence(database.pool, { steps: [{}] });
const secret = "a secret of at least thirty-two characters";

const started: RunningProcess[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((process) => process.end("SIGKILL")));
});

async function startApi(env: Record<string, string>): Promise<{ api: RunningProcess; port: number }> {
  const port = await freePort();
  const api = await startProcess("api", { DRIPLINE_SECRET: secret, API_PORT: String(port), ...env });
  started.push(api);
  return { api, port };
}

function enroll(port: number, contactId: string, idempotencyKey: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}/api/v1/sequence-enrollments/enroll/`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${key}`,
      "content-type": "application/json",
      "idempotency-key": idempotencyKey,
    },
    body: JSON.stringify({ sequence_id: sequence.id, contact_id: contactId }),
  });
}

async function written(contactId: string): Promise<{ enrollments: number; executions: number }> {
  const { rows } = await database.pool.query(
    `select count(distinct n.id)::int as enrollments, count(e.id)::int as executions
     from sequence_enrollment n left join step_execution e on e.enrollment_id = n.id where n.contact_id = $1`,
    [contactId],
  );
  return rows[0];
}

test("kill -9 in the middle of an enrollment leaves everything or nothing, and the repeated request has its effect once", async () => {
  const { proxy, url } = await CuttingProxy.to(database.url);
  // In the transaction, at its last statement, and with the commit carried out but its answer on the way.
  for (const [statement, how, enrollments] of [
    [6, "hold", 0],
    [14, "hold", 0],
    [14, "swallow", 1],
  ] as const) {
    const contact = await makeContact(database.pool);
    const idempotencyKey = `${how} ${statement}`;
    const { api, port } = await startApi({ DATABASE_URL: url });
    await enroll(port, (await makeContact(database.pool)).id, `${idempotencyKey} before`); // a connection is open
    const cut = proxy.cutStatement(statement, how);
    const request = enroll(port, contact.id, idempotencyKey).catch(() => undefined);
    await cut;
    await api.end("SIGKILL");
    await request;
    proxy.leaveAlone();
    expect(await written(contact.id), idempotencyKey).toEqual({ enrollments, executions: enrollments });

    const { port: again } = await startApi({ DATABASE_URL: url });
    const repeated = await waitFor(
      async () => {
        const answer = await enroll(again, contact.id, idempotencyKey);
        return answer.status === 201 ? answer : undefined;
      },
      { timeoutMilliseconds: 10_000, describe: "the repeated request to succeed" },
    );
    expect(repeated.headers.get("idempotency-replayed")).toBe(enrollments === 1 ? "true" : null);
    expect(await written(contact.id)).toEqual({ enrollments: 1, executions: 1 });
  }
  await proxy.close();
}, 180_000);

test("SIGTERM lets the request under way finish, takes no new one, and ends with 0", async () => {
  const { api, port } = await startApi({ DATABASE_URL: database.url });
  const contact = await makeContact(database.pool);
  const blocker = await database.pool.connect();
  await blocker.query("begin");
  await blocker.query("lock table audit_log in exclusive mode");
  const underWay = enroll(port, contact.id, "under way");
  await waitFor(
    async () =>
      (
        await database.pool.query(
          "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
        )
      ).rowCount === 1,
    { timeoutMilliseconds: 10_000, describe: "the request to stand in its transaction" },
  );

  api.kill("SIGTERM");
  await waitFor(() => isRefused(port), { timeoutMilliseconds: 5_000, describe: "new connections to be refused" });
  await blocker.query("rollback");
  blocker.release();

  expect((await underWay).status).toBe(201);
  expect(await api.ended(), api.output()).toEqual({ code: 0, signal: null });
  expect(await written(contact.id)).toEqual({ enrollments: 1, executions: 1 });
});

function isRefused(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(false);
    });
    socket.once("error", () => resolve(true));
  });
}

describeRedis("while the queue is down", ({ url: redisUrl }) => {
  test("who is enrolled is in the database, and gets the email when the queue is back: a sweep finds the row", async () => {
    const { proxy, url } = await OutageProxy.to(redisUrl, 6379);
    const smtp = await startSlowSmtp(() => "nowhere");
    const { port } = await startApi({ DATABASE_URL: database.url, REDIS_URL: url });
    await proxy.goDown();
    const contact = await makeContact(database.pool);
    expect((await enroll(port, contact.id, "queue down")).status).toBe(201);
    await proxy.goUp();

    const worker = await startProcess("worker", {
      DATABASE_URL: database.url,
      REDIS_URL: url,
      SMTP_URL: smtp.url,
      MAIL_FROM: "Acme <hello@acme.example>",
      DRIPLINE_SECRET: secret,
    });
    started.push(worker);
    await waitFor(() => smtp.received.filter((address) => address === contact.email).length === 1, {
      timeoutMilliseconds: 20_000,
      describe: "the email",
    });
    expect(await worker.end("SIGTERM"), worker.output()).toEqual({ code: 0, signal: null });
    await proxy.goDown();
    await smtp.close();
  }, 150_000);
});
