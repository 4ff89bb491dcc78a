import { fileURLToPath } from "node:url";
import { createApiKey } from "@dripline/db/api-keys";
import { freePort } from "@dripline/embedded/free-port";
import { openWakeQueue } from "@dripline/queue/open-wake-queue";
import { freshDatabase } from "@dripline/testkit/database";
import { makeSequence } from "@dripline/testkit/factories";
import { describeRedis } from "@dripline/testkit/redis";
import { type SmtpByRecipient, startSmtpByRecipient } from "@dripline/testkit/smtp-by-recipient";
import { waitFor } from "@dripline/testkit/wait-for";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchProcess, type RunningProcess, startProcess } from "./child-process.ts";
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from "./otlp-receiver.ts";

/** Real processes that are followed by a real OTLP receiver, on both queue backends. */
describe("on the PostgreSQL backend", () => traced({}));
describeRedis("on the Redis backend", ({ url }) => traced({ REDIS_URL: url }));

const timeoutMilliseconds = 20_000;

async function traced(backend: Record<string, string>): Promise<void> {
  const database = await freshDatabase();
  let smtp: SmtpByRecipient;
  let receiver: OtlpReceiver;
  const running: RunningProcess[] = [];
  let apiUrl: string;
  let key: string;

  beforeAll(async () => {
    [smtp, receiver] = await Promise.all([startSmtpByRecipient(), startOtlpReceiver()]);
    const port = await freePort();
    apiUrl = `http://127.0.0.1:${port}`;
    const env = {
      ...envOf(database.url, smtp.url),
      ...backend,
      API_PORT: String(port),
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_BSP_SCHEDULE_DELAY: "100",
    };
    running.push(...(await Promise.all([startProcess("api", env), startProcess("worker", env)])));
    key = (await createApiKey(database.pool, { name: "test", now: new Date(), scopes: ["admin"] })).key;
  });

  afterAll(async () => {
    await Promise.all(running.map((each) => each.end("SIGTERM")));
    await receiver?.close();
    await smtp?.close();
  });

  async function post(path: string, body: unknown, traceId: string): Promise<unknown> {
    const answer = await fetch(`${apiUrl}/api/v1${path}`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${key}`,
        "content-type": "application/json",
        traceparent: `00-${traceId}-00f067aa0ba902b7-01`,
      },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    expect(answer.ok, text).toBe(true);
    return JSON.parse(text);
  }

  const spansOf = (traceId: string) => receiver.spans.filter((span) => span.traceId === traceId);

  test("one trace follows an email from the request of whoever enrolled to the mail server's reply", async () => {
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    const { id: sequence_id } = await makeSequence(database.pool, { steps: [{}] });
    const contact = { email: "secret.person@example.com", first_name: "Confidential" };
    await post("/sequence-enrollments/enroll/", { sequence_id, contact }, traceId);

    const spans = await waitFor(
      () => {
        const received = spansOf(traceId);
        return received.some(({ name }) => name.startsWith("process")) && received;
      },
      { timeoutMilliseconds, describe: "the trace to be complete" },
    );

    const request = only(spans, "POST /api/v1/sequence-enrollments/enroll/");
    expect(request).toMatchObject({
      service: "dripline-api",
      parentSpanId: "00f067aa0ba902b7",
      attributes: { "http.response.status_code": "201", "dripline.request_id": expect.stringMatching(/./) },
    });
    const wake = spans.find(({ name, service }) => name === "wake" && service === "dripline-api");
    expect(wake?.parentSpanId).toBe(request.spanId);
    expect(only(spans, "transaction").parentSpanId).toBe(request.spanId);
    expect(only(spans, "addBulk wakes").parentSpanId).toBe(wake?.spanId);
    const job = only(spans, "process wakes");
    expect(job).toMatchObject({ service: "dripline-worker", parentSpanId: wake?.spanId });
    for (const name of ["load facts", "compose", "take place", "claim", "deliver", "record"]) {
      expect(only(spans, name), name).toMatchObject({ service: "dripline-worker", parentSpanId: job.spanId });
    }
    expect(only(spans, "deliver")).toMatchObject({
      events: ["MAIL FROM", "354: the server waits for the body", "the body leaves", "reply"],
      attributes: { "dripline.reply": "accepted", "smtp.code": "250", "dripline.execution_id": expect.any(String) },
    });
    expect(only(spans, "record").attributes).toMatchObject({ "dripline.outcome": "sent" });
    expect(receiver.bodies.join("")).not.toMatch(/secret\.person|Confidential/);
  }, 60_000);

  test("each of many who are enrolled at once gets a trace of its own, linked to the request", async () => {
    const traceId = "11111111111111111111111111111111";
    const { id: sequence_id } = await makeSequence(database.pool, { steps: [{}] });
    const items = [1, 2, 3].map((n) => ({ contact: { email: `many-${n}@example.com`, first_name: "Ann" } }));
    await post("/sequence-enrollments/bulk/", { sequence_id, items }, traceId);

    const jobs = await waitFor(
      () => {
        const linked = receiver.spans.filter(({ links }) => links.includes(traceId));
        return linked.length === 3 && linked;
      },
      { timeoutMilliseconds, describe: "three jobs that are linked to the request" },
    );
    expect(new Set([...jobs.map((job) => job.traceId), traceId]).size).toBe(4);
    for (const job of jobs) expect(spansOf(job.traceId).map(({ name }) => name)).toContain("deliver");
  }, 60_000);

  test("a job that waits carries the trace in its options, and nothing but its wake in its data", async () => {
    const traceId = "22222222222222222222222222222222";
    const { id: sequence_id } = await makeSequence(database.pool, { steps: [{ delay: { value: 3, unit: "days" } }] });
    const contact = { email: "later@example.com", first_name: "Ann" };
    await post("/sequence-enrollments/enroll/", { sequence_id, contact }, traceId);

    const queue = openWakeQueue({
      redisUrl: backend.REDIS_URL,
      databaseUrl: database.url,
      now: () => new Date(),
      role: "producer",
    });
    const [job] = await waitFor(
      async () => {
        const delayed = await queue.bullQueue().getDelayed();
        return delayed.length > 0 && delayed;
      },
      { timeoutMilliseconds, describe: "the job" },
    );
    await queue.close();
    expect(Object.keys(job?.data).toSorted()).toEqual(["executionId", "generation"]);
    expect(job?.opts.telemetry?.metadata).toContain(traceId);
  });
}

describe("without the variables of OpenTelemetry", () => {
  const preload = fileURLToPath(new URL("loaded-tracing.cjs", import.meta.url));

  test.each(["api", "worker"] as const)(
    "the %s loads nothing of the SDK",
    async (app) => {
      const database = await freshDatabase();
      const env = { ...envOf(database.url, "smtp://127.0.0.1:25"), API_PORT: String(await freePort()) };
      const filesOf = async (more: Record<string, string>) => {
        const process = launchProcess(app, { ...env, ...more }, ["--require", preload]);
        await process.says('"ready"');
        expect(await process.end("SIGTERM"), process.output()).toEqual({ code: 0, signal: null });
        return Number(/loaded of OpenTelemetry's SDK: (\d+) files/.exec(process.output())?.[1]);
      };

      expect(await filesOf({})).toBe(0);
      expect(await filesOf({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" })).toBeGreaterThan(10);
    },
    60_000,
  );
});

function envOf(databaseUrl: string, smtpUrl: string): Record<string, string> {
  return {
    DATABASE_URL: databaseUrl,
    SMTP_URL: smtpUrl,
    MAIL_FROM: "Acme <hello@acme.example>",
    DRIPLINE_SECRET: "a secret of at least thirty-two characters",
  };
}

function only(spans: readonly ReceivedSpan[], name: string): ReceivedSpan {
  const found = spans.filter((span) => span.name === name);
  expect(found, `${name} in ${spans.map((span) => span.name).join(", ")}`).toHaveLength(1);
  return found[0] as ReceivedSpan;
}
