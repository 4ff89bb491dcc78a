import { type Database, openDatabase } from "@dripline/db/database";
import { loadPlannableSequence } from "@dripline/db/load-plannable-sequence";
import { REAL_PACE } from "@dripline/domain/delay";
import { NO_LIMITS } from "@dripline/domain/throttle";
import { enrollContact } from "@dripline/engine/enroll";
import { planSends, type SendInPlan } from "@dripline/engine/plan-sends";
import { createRenderer } from "@dripline/mail/render";
import { createSmtpTransport } from "@dripline/mail/smtp-transport";
import type { TimedWake, Wake } from "@dripline/queue/wake";
import { openMetricRegistry } from "@dripline/telemetry/instruments";
import { noSpans } from "@dripline/telemetry/spans";
import { freshDatabase } from "@dripline/testkit/database";
import { type FixedClock, fixClock } from "@dripline/testkit/fixed-clock";
import { type ScriptedSmtp, startScriptedSmtp } from "@dripline/testkit/scripted-smtp";
import { afterAll } from "vitest";
import { makeMailSlots } from "../mail-slots.ts";
import type { SendDeps } from "../send-deps.ts";
import { makeWorkerMetrics } from "../worker-metrics.ts";

/** Everything that sending stands on, real but for the clock, which stands still until a test moves it. */
export interface WorkerAt {
  readonly db: Database;
  readonly clock: FixedClock;
  readonly smtp: ScriptedSmtp;
  readonly deps: SendDeps;
  /** Timers that were set; nobody but the test fires them. */
  readonly woken: TimedWake[];
}

/** A worker on a database and with a mail server of its own, for the calling test file; call it at the top level. */
export async function startWorkerAt(start: Date): Promise<WorkerAt> {
  const { url } = await freshDatabase();
  const clock = await fixClock(url, start);
  const db = openDatabase({ url, connectionsMax: 10, applicationName: "test", onError: () => {} });
  const smtp = await startScriptedSmtp();
  const transport = createSmtpTransport({ url: smtp.url, poolSize: 3 });
  afterAll(async () => {
    await transport.close();
    await smtp.close();
    await db.end();
  });
  const woken: TimedWake[] = [];
  const deps: SendDeps = {
    db,
    queue: { wake: async (wakes) => void woken.push(...wakes) },
    transport,
    slots: makeMailSlots(10, new AbortController().signal),
    renderer: createRenderer(),
    log: { debug() {}, info() {}, warn() {}, error() {} },
    metrics: makeWorkerMetrics(openMetricRegistry("worker")),
    spans: noSpans,
    now: clock.now,
    onCheckpoint: () => {},
    stopping: new AbortController().signal,
    pace: REAL_PACE,
    limits: NO_LIMITS,
    from: { name: "Acme", address: "hello@acme.example" },
    secret: "a secret of at least thirty-two characters",
    publicUrl: "http://127.0.0.1:4600",
    leases: { claimSeconds: 60, dataSeconds: 60 },
  };
  return { db, clock, smtp, deps, woken };
}

/** Enrolls through the engine, at the clock's instant. Answers the enrollment's id. */
export async function enrollNow(
  { db, clock }: WorkerAt,
  request: { readonly sequenceId: string; readonly contactId: string; readonly companyId?: string },
): Promise<string> {
  const result = await enrollContact(
    db,
    { companyId: null, notes: "", ...request },
    { now: clock.now(), pace: REAL_PACE },
  );
  if (result.kind !== "enrolled") throw new Error(`not enrolled: ${JSON.stringify(result)}`);
  return result.enrollmentId;
}

/** What the engine says now about everything that this contact has still to get. */
export async function planNow(
  { db, clock }: WorkerAt,
  sequenceId: string,
  contactId: string,
): Promise<readonly SendInPlan[]> {
  const found = await loadPlannableSequence(db, sequenceId, "current");
  if (found.kind !== "found") throw new Error(`no sequence: ${found.kind}`);
  const result = await planSends(db, found.sequence, [{ contactId }], { now: clock.now(), pace: REAL_PACE });
  if (result.kind !== "planned") throw new Error(`no plan: ${result.kind}`);
  return result.plans[0]?.sends ?? [];
}

export interface OpenExecution extends Wake {
  readonly enrollmentId: string;
  readonly stepNumber: number;
  readonly status: string;
  readonly scheduledFor: Date;
}

/** The execution that this enrollment waits on; undefined once it is over. */
export async function openExecution({ db }: WorkerAt, enrollmentId: string): Promise<OpenExecution | undefined> {
  const { rows } = await db.query(
    `select id, generation, step_number, status, scheduled_for from step_execution
     where enrollment_id = $1 and status not in ('sent', 'skipped')`,
    [enrollmentId],
  );
  if (rows.length > 1) throw new Error(`${rows.length} executions are open at once`);
  const [row] = rows;
  if (row === undefined) return undefined;
  const { id: executionId, generation, step_number: stepNumber, status, scheduled_for: scheduledFor } = row;
  return { executionId, enrollmentId, generation, stepNumber, status, scheduledFor };
}

/** All executions of an enrollment that are over, by step number. */
export async function pastExecutions({ db }: WorkerAt, enrollmentId: string) {
  const { rows } = await db.query<{
    step_number: number;
    status: "sent" | "skipped";
    due_at: Date;
    sent_at: Date | null;
    timezone: string | null;
    timezone_source: string | null;
  }>(
    `select step_number, status, due_at, sent_at, timezone, timezone_source from step_execution
     where enrollment_id = $1 and status in ('sent', 'skipped') order by step_number`,
    [enrollmentId],
  );
  return rows;
}
