import { createApiKey } from "@dripline/db/api-keys";
import { type Database, openDatabase } from "@dripline/db/database";
import { REAL_PACE } from "@dripline/domain/delay";
import { openWakeQueue } from "@dripline/queue/open-wake-queue";
import type { WakeQueue } from "@dripline/queue/wake-queue";
import { createLogger } from "@dripline/runtime/logger";
import { openMetricRegistry } from "@dripline/telemetry/instruments";
import { noSpans } from "@dripline/telemetry/spans";
import type { FastifyInstance } from "fastify";
import { afterAll } from "vitest";
import { makeApiMetrics } from "../api-metrics.ts";
import { buildApp } from "../build-app.ts";
import type { Deps } from "../deps.ts";
import { noteProblems } from "./note-problems.ts";

/** A Monday, 10:00 in Bangkok: inside business hours. */
export const testNow = new Date("2026-11-23T03:00:00.000Z");
export const testSecret = "a secret of the tests, long enough";

// biome-ignore lint/suspicious/noExplicitAny: a test reads any member and compares it with what it expects
type Json = any;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Json;
}

export interface SendOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Another key, or none. */
  readonly key?: string | null;
}

export interface TestApi {
  readonly app: FastifyInstance;
  readonly url: string;
  readonly key: string;
  readonly database: Database;
  readonly queue: WakeQueue;
  /** Lines that were logged, as JSON. */
  readonly log: string[];
  send(method: string, path: string, options?: SendOptions): Promise<Answer>;
  get(path: string): Promise<Answer>;
  post(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>;
}

/**
 * The API on a port of its own, on this database and the PostgreSQL queue, with an API key. Closed after the file.
 * `serveMore` adds operations of the test's own.
 */
export async function startApi(
  databaseUrl: string,
  replace: Partial<Deps> = {},
  serveMore: (app: FastifyInstance, deps: Deps) => void = () => {},
): Promise<TestApi> {
  const now = replace.now ?? (() => testNow);
  const log: string[] = [];
  const database =
    replace.database ??
    openDatabase({ url: databaseUrl, connectionsMax: 10, applicationName: "api test", onError: () => {} });
  const queue = replace.queue ?? openWakeQueue({ databaseUrl, now, role: "producer" });
  const deps: Deps = {
    database,
    queue,
    log: createLogger({
      role: "api",
      level: "info",
      isTerminal: false,
      destination: { write: (line) => void log.push(line) },
    }),
    metrics: makeApiMetrics(openMetricRegistry("api")),
    spans: noSpans,
    now,
    pace: REAL_PACE,
    limits: { perSecondMax: null, senderPerDayMax: null, contactGapMinutes: 0, overdueGapMinutes: 60 },
    requestLimits: { perKeyMax: null, perStrangerMax: null, redis: null },
    sender: null,
    testMail: null,
    secret: testSecret,
    publicUrl: "http://127.0.0.1:4600",
    version: "0.0.0",
    ...replace,
  };
  const app = await buildApp(deps);
  serveMore(app, deps);
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  noteProblems(url);
  afterAll(async () => {
    await app.close();
    await queue.close();
    if (!database.ended) await database.end();
  });
  const admin = openDatabase({ url: databaseUrl, connectionsMax: 1, applicationName: "test", onError: () => {} });
  const { key } = await createApiKey(admin, { name: "test", now: testNow, scopes: ["admin"] });
  await admin.end();

  const send: TestApi["send"] = async (method, path, options = {}) => {
    const bearer = options.key === undefined ? key : options.key;
    const isJson = options.body !== undefined && typeof options.body !== "string";
    const answer = await fetch(`${url}${path}`, {
      method,
      redirect: "manual",
      headers: {
        ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
        ...(options.body === undefined ? {} : { "content-type": "application/json" }),
        ...options.headers,
      },
      ...(options.body === undefined ? {} : { body: isJson ? JSON.stringify(options.body) : String(options.body) }),
    });
    const text = await answer.text();
    const hasJson = /json/.test(answer.headers.get("content-type") ?? "");
    return { status: answer.status, headers: answer.headers, body: hasJson ? JSON.parse(text) : text };
  };
  return {
    app,
    url,
    key,
    database,
    queue,
    log,
    send,
    get: (path) => send("GET", path),
    post: (path, body, headers = {}) => send("POST", path, { body, headers }),
  };
}
