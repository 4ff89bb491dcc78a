import { newId } from "@dripline/db/new-id";
import { freshDatabase } from "@dripline/testkit/database";
import { waitFor } from "@dripline/testkit/wait-for";
import { afterEach, expect, test } from "vitest";
import { type RunningProcess, startProcess } from "./child-process.ts";

const database = await freshDatabase();
const running: RunningProcess[] = [];
afterEach(() => Promise.all(running.splice(0).map((each) => each.end("SIGKILL"))));

async function startWorker(values: Record<string, string>): Promise<RunningProcess> {
  const worker = await startProcess("worker", {
    DATABASE_URL: database.url,
    SMTP_URL: "smtp://127.0.0.1:25",
    MAIL_FROM: "Acme <hello@acme.example>",
    DRIPLINE_SECRET: "a secret of at least thirty-two characters",
    ...values,
  });
  running.push(worker);
  return worker;
}

test("a worker deletes what ended longer ago than RETENTION_DAYS, and without it nothing", async () => {
  for (const days of [29, 31]) {
    await database.pool.query(
      `insert into audit_log (id, at, principal, action, object_type, object_id)
       values ($1, now() - make_interval(days => $2), 'x', 'x', 'x', 'x')`,
      [newId(), days],
    );
  }
  const entries = async () => (await database.pool.query("select from audit_log")).rowCount;
  const turns = async () =>
    (await database.pool.query("select from sweep_cursor where sweep = 'prune-history'")).rowCount;

  const forEver = await startWorker({});
  expect(await forEver.end("SIGTERM")).toEqual({ code: 0, signal: null });
  expect([await entries(), await turns()]).toEqual([2, 0]);

  const worker = await startWorker({ RETENTION_DAYS: "30" });
  await worker.says("what was over for long enough is deleted");
  await waitFor(async () => (await entries()) === 1, {
    timeoutMilliseconds: 5_000,
    describe: "one entry to be left",
  });
  expect(await worker.end("SIGTERM")).toEqual({ code: 0, signal: null });
}, 60_000);
