import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createApiKey } from "@dripline/db/api-keys";
import { freePort } from "@dripline/embedded/free-port";
import { startInbox } from "@dripline/embedded/inbox";
import { freshDatabase } from "@dripline/testkit/database";
import { describeRedis } from "@dripline/testkit/redis";
import { waitFor } from "@dripline/testkit/wait-for";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningProcess, startProcess } from "./child-process.ts";

/** The main job through real HTTP, the real queue, real SMTP and separate processes, on both queue backends. */
describe("on the PostgreSQL backend", () => mainJob({}));
describeRedis("on the Redis backend", ({ url }) => mainJob({ REDIS_URL: url }));

async function mainJob(backend: Record<string, string>): Promise<void> {
  const secret = "a secret of at least thirty-two characters";
  const database = await freshDatabase();
  let inbox: Awaited<ReturnType<typeof startInbox>>;
  let api: RunningProcess;
  let worker: RunningProcess;
  let env: Record<string, string>;
  let base: string;
  let key: string;
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "dripline-main-job-"));
    inbox = await startInbox({ directory, now: () => new Date() });
    const port = await freePort();
    base = `http://127.0.0.1:${port}`;
    env = {
      ...backend,
      DATABASE_URL: database.url,
      SMTP_URL: inbox.smtpUrl,
      MAIL_FROM: "Acme <hello@acme.example>",
      DRIPLINE_SECRET: secret,
      API_PORT: String(port),
      // Three days last 1.5 s.
      DRIPLINE_DAY_LENGTH: "500ms",
      // A killed worker's emails are taken over after this long.
      SMTP_CONNECT_SECONDS: "1",
      SMTP_ENVELOPE_SECONDS: "1",
      CLAIM_LEASE_SECONDS: "3",
      SMTP_FINAL_REPLY_SECONDS: "2",
      LOG_LEVEL: "debug",
    };
    [api, worker] = await Promise.all([startProcess("api", env), startProcess("worker", env)]);
    key = (await createApiKey(database.pool, { name: "test", now: new Date(), scopes: ["admin"] })).key;
  });

  afterAll(async () => {
    await Promise.all([api?.end("SIGTERM"), worker?.end("SIGTERM")]);
    await inbox?.close();
    if (directory !== undefined) await rm(directory, { recursive: true });
  });

  async function call(method: string, path: string, body?: unknown): Promise<{ status: number; body: never }> {
    const response = await fetch(`${base}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as never };
  }

  async function create<T>(path: string, body: unknown): Promise<T> {
    const answer = await call("POST", path, body);
    expect(answer, `POST ${path}`).toMatchObject({ status: 201 });
    return answer.body;
  }

  async function makeSequence(): Promise<string> {
    const mjml = (text: string) =>
      `<mjml><mj-body><mj-section><mj-column><mj-text>${text}</mj-text></mj-column></mj-section></mj-body></mjml>`;
    const { id: schedule } = await create<{ id: string }>("/schedules/", {
      name: `Always ${Math.random()}`,
      timezone: "UTC",
      windows: [1, 2, 3, 4, 5, 6, 7].map((weekday) => ({ weekday, start: "00:00", end: "24:00" })),
    });
    const { id: email_template } = await create<{ id: string }>("/email-templates/", {
      name: `Template ${Math.random()}`,
      subject: "Hello {{ contact.first_name }}",
      mjml: mjml("Dear {{ contact.first_name }} of {{ company.name | default: 'nowhere' }}"),
    });
    const { id: sequence } = await create<{ id: string }>("/email-sequences/", {
      name: "Onboarding",
      schedule,
      steps: [
        { step_number: 1, name: "Welcome", email_template, delay_days: 0 },
        { step_number: 2, name: "Tips", email_template, delay_days: 3 },
        { step_number: 3, name: "Check-in", email_template, delay_days: 3 },
      ],
    });
    return sequence;
  }

  test("an enrolled contact gets every step in order, once, and the enrollment completes", async () => {
    const sequence_id = await makeSequence();
    const email = `ann-${Math.random()}@example.com`;
    const contact = { email, first_name: "Ann <b>" };
    const enrollment = await create<{ id: string; status: string; progress: string }>("/sequence-enrollments/enroll/", {
      sequence_id,
      contact,
    });
    expect(enrollment).toMatchObject({ status: "active", progress: "0/3 (0.0%)" });

    const done = await waitFor(
      async () => {
        const { body } = await call("GET", `/sequence-enrollments/${enrollment.id}/`);
        return (body as { status: string }).status === "completed"
          ? (body as { step_executions: Execution[] })
          : undefined;
      },
      { timeoutMilliseconds: 25_000, describe: "the enrollment to complete" },
    );

    const mails = inbox.messages().filter((message) => message.envelopeTo.includes(email));
    expect(mails).toHaveLength(3);
    const executions = done.step_executions.toSorted((a, b) => a.step_number - b.step_number);
    expect(executions.map(({ status, attempt_count }) => ({ status, attempt_count }))).toEqual(
      Array(3).fill({ status: "sent", attempt_count: 1 }),
    );
    const sentAt = executions.map((execution) => Date.parse(execution.sent_at));
    expect(sentAt[1]).toBeGreaterThanOrEqual((sentAt[0] ?? 0) + 1_500);
    expect(sentAt[2]).toBeGreaterThanOrEqual((sentAt[1] ?? 0) + 1_500);
    expect(done).toMatchObject({ status: "completed", progress: "3/3 (100.0%)" });

    const first = mails.at(-1);
    const content = await inbox.content(first?.id ?? "");
    expect(content?.html).toContain("Dear Ann &lt;b&gt; of nowhere");
    expect(content?.text).toContain("Dear Ann <b> of nowhere");

    const { rows } = await database.pool.query(
      `select l.outcome, l.response from email_log l join step_execution e on e.email_log_id = l.id
       where e.enrollment_id = $1`,
      [enrollment.id],
    );
    expect(rows).toHaveLength(3);
    expect(rows.every((row) => row.outcome === "accepted" && /^250/.test(row.response))).toBe(true);
  });

  test("a worker that is killed while steps wait loses nothing: another goes on", async () => {
    const sequence_id = await makeSequence();
    const emails = Array.from({ length: 20 }, (_, i) => `kill-${i}-${Math.random()}@example.com`);
    for (const email of emails) {
      await create("/sequence-enrollments/enroll/", { sequence_id, contact: { email, first_name: "Ann" } });
    }
    await inbox.waitForMessage((message) => message.envelopeTo.includes(emails[0] ?? ""), {
      timeoutMilliseconds: 20_000,
    });
    await worker.end("SIGKILL");
    worker = await startProcess("worker", env);

    await waitFor(
      async () => {
        const { rows } = await database.pool.query(
          "select count(*)::int as open from sequence_enrollment where status = 'active' and sequence_id = $1",
          [sequence_id],
        );
        return rows[0].open === 0;
      },
      { timeoutMilliseconds: 60_000, describe: "all enrollments to complete" },
    );
    const { rows } = await database.pool.query(
      `select e.status, count(*)::int as count from step_execution e join sequence_enrollment n on n.id = e.enrollment_id
       where n.sequence_id = $1 group by e.status`,
      [sequence_id],
    );
    const count = (status: string) => rows.find((row) => row.status === status)?.count ?? 0;
    expect(count("sent") + count("in_doubt")).toBe(60);
    const copies = inbox.messages().filter((message) => emails.some((email) => message.envelopeTo.includes(email)));
    expect(new Set(copies.map((message) => message.messageId)).size).toBe(copies.length);
    expect(copies.length).toBeGreaterThanOrEqual(count("sent"));
  }, 180_000);

  test("SIGTERM stops worker and API in order, with exit code 0", async () => {
    expect(await worker.end("SIGTERM")).toEqual({ code: 0, signal: null });
    expect(await api.end("SIGTERM")).toEqual({ code: 0, signal: null });
  });
}

interface Execution {
  readonly step_number: number;
  readonly status: string;
  readonly attempt_count: number;
  readonly sent_at: string;
}
