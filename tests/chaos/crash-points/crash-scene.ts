import { once } from "node:events";
import { createServer } from "node:net";
import { createApiKey } from "@dripline/db/api-keys";
import { type Database, openDatabase } from "@dripline/db/database";
import type { InDoubtPolicy } from "@dripline/domain/statuses";
import { freePort } from "@dripline/embedded/free-port";
import { enrollContact } from "@dripline/engine/enroll";
import type { PendingWake } from "@dripline/engine/wake-after-commit";
import { openWakeQueue } from "@dripline/queue/open-wake-queue";
import type { WakeQueue } from "@dripline/queue/wake-queue";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { waitFor } from "@dripline/testkit/wait-for";
import { type Child, startChild } from "../services/child.ts";
import type { CrashPoint, Fault, Seen } from "./crash-point.ts";
import { apiProgram, type CrashServices, compiled, freshRedis } from "./crash-services.ts";
import { findBrokenLaws } from "./find-broken-laws.ts";
import type { HealthyHost } from "./healthy-host.ts";
import { readSeen } from "./read-seen.ts";
import type { Protection } from "./without-protection.ts";

export interface SceneOptions {
  readonly point: CrashPoint;
  readonly policy: InDoubtPolicy;
  readonly backend: "redis" | "postgres";
  /** Taken away from every worker of the scene. */
  readonly without?: Protection;
  /** Migrated and empty. It outlives the scene: the healthy worker goes on looking into it. */
  readonly databaseUrl: string;
  readonly logPath: string;
}

/** What became of one scene. */
export interface SceneResult {
  readonly left: Seen;
  readonly becomes: Seen;
  readonly broken: readonly string[];
}

// A minute lasts 0.17 s: the second step is due half a second after the first, the first backoff takes 0.8 s.
const dayLength = "4m";
const pace = { dayMilliseconds: 4 * 60_000 };

/** Long against what a step takes on a busy machine; BullMQ alone needs 15 s to notice that a worker is gone. */
const patience = { timeoutMilliseconds: 60_000 };

/**
 * One person in a sequence of two steps, one fault, and what becomes of it: what is left right after, and what it has
 * come to when no timer, no job and no lease is left.
 */
export async function playScene(services: CrashServices, host: HealthyHost, scene: SceneOptions): Promise<SceneResult> {
  const { point, backend, without, databaseUrl, logPath } = scene;
  const redisUrl = backend === "redis" ? await freshRedis(services) : undefined;
  const db = openDatabase({ url: databaseUrl, connectionsMax: 2, applicationName: "crash scene", onError: () => {} });
  const queue = openWakeQueue({ redisUrl, databaseUrl, now: () => new Date(), role: "producer" });
  const env = {
    DATABASE_URL: databaseUrl,
    ...(redisUrl === undefined ? {} : { REDIS_URL: redisUrl }),
    SMTP_URL: services.smtp.url,
    MAIL_FROM: "Acme <hello@acme.example>",
    DRIPLINE_SECRET: "a secret of at least thirty-two characters",
    DRIPLINE_DAY_LENGTH: dayLength,
    CLAIM_LEASE_SECONDS: "6",
    SMTP_CONNECT_SECONDS: "3",
    SMTP_ENVELOPE_SECONDS: "2",
    SMTP_FINAL_REPLY_SECONDS: "1",
    OVERDUE_GAP_MINUTES: "0",
    WORKER_CONCURRENCY: "2",
    LOG_LEVEL: "debug",
    ...(without === undefined ? {} : { CRASH_WITHOUT: without }),
  };
  const children: Child[] = [];
  const start = (program: string, more: Readonly<Record<string, string>>) => {
    const child = startChild({ name: program, arguments: [program], env: { ...env, ...more }, logPath });
    children.push(child);
    return child;
  };
  try {
    const stage = await setStage(db, scene, services);
    const sink = () => services.smtp.arrivals.filter(({ recipient }) => recipient === stage.email);
    const enrollment = await enroll(db, stage, point, start);
    if (point.faults[0]?.kind !== "freeze") await queue.wake(enrollment.wakes);
    await changeFacts(db, point);
    for (const fault of point.faults) await meet(fault, enrollment, { db, queue, sink, start });

    const left = await readSeen(db, enrollment.id, sink());
    await host.startWorker(env);
    const waits = point.setUp === "window_closed";
    await settle(db, queue, waits);
    for (const child of children.filter((one) => !one.hasEnded())) await thaw(child);
    await settle(db, queue, waits);
    const becomes = await readSeen(db, enrollment.id, sink());
    return { left, becomes, broken: await findBrokenLaws(db, sink()) };
  } finally {
    for (const child of children) child.signal("SIGKILL");
    await queue.close();
    await db.end();
  }
}

type Start = (program: string, more: Readonly<Record<string, string>>) => Child;

interface Enrollment {
  readonly id: string;
  /** Of the first step. */
  readonly executionId: string;
  /** Timers that are not set yet. */
  readonly wakes: readonly PendingWake[];
}

interface Stage {
  readonly email: string;
  readonly contactId: string;
  readonly sequenceId: string;
}

async function setStage(db: Database, { point, policy }: SceneOptions, { smtp }: CrashServices): Promise<Stage> {
  const { id: contactId, email } = await makeContact(db);
  const { id: sequenceId } = await makeSequence(db, {
    steps: [{}, { delay: { value: 3, unit: "minutes" } }],
    inDoubtPolicy: policy,
    ...(point.setUp === "daily_limit" ? { sendsPerDayMax: 100 } : {}),
  });
  smtp.playFor(email, point.server ?? ["accept"]);
  return { email, contactId, sequenceId };
}

async function enroll(
  db: Database,
  { contactId, sequenceId }: Stage,
  { faults }: CrashPoint,
  start: Start,
): Promise<Enrollment> {
  if (faults.some(({ kind }) => kind === "kill_api_before_wake"))
    return enrollAndKillApi(db, { contactId, sequenceId }, start);
  const request = { sequenceId, contactId, companyId: null, notes: "" };
  const result = await enrollContact(db, request, { now: new Date(), pace });
  if (result.kind !== "enrolled") throw new Error(`not enrolled: ${JSON.stringify(result)}`);
  const { enrollmentId: id, wakes } = result;
  return { id, executionId: wakes[0]?.executionId ?? "", wakes };
}

/** The queue of this API takes everything and answers nothing, so it dies with the row committed and the timer not set. */
async function enrollAndKillApi(
  db: Database,
  { contactId, sequenceId }: Omit<Stage, "email">,
  start: Start,
): Promise<Enrollment> {
  const silent = createServer(() => {}).listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { port } = silent.address() as { port: number };
  const apiPort = await freePort();
  const api = start(apiProgram(), { REDIS_URL: `redis://127.0.0.1:${port}`, API_PORT: String(apiPort) });
  if (!(await api.ready)) throw new Error("the API ended before it listened");
  const { key } = await createApiKey(db, { name: "crash", now: new Date(), scopes: ["admin"] });
  const answer = fetch(`http://127.0.0.1:${apiPort}/api/v1/sequence-enrollments/enroll/`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ sequence_id: sequenceId, contact_id: contactId }),
  }).then(
    ({ status }) => status,
    () => undefined,
  );
  const row = await waitFor(async () => (await db.query("select id, enrollment_id from step_execution")).rows[0], {
    ...patience,
    describe: "the enrollment to be committed",
  });
  api.signal("SIGKILL");
  await api.ended;
  silent.close();
  if ((await answer) !== undefined) throw new Error(`the API had answered ${await answer} before it was killed`);
  return { id: row.enrollment_id, executionId: row.id, wakes: [] };
}

/** What happens to the facts between the enrollment and the first wake-up. */
async function changeFacts(db: Database, { setUp }: CrashPoint): Promise<void> {
  if (setUp === "opted_out") await db.query("update contact set opted_out_at = clock_timestamp()");
  if (setUp !== "window_closed") return;
  const weekday = ((new Date().getUTCDay() + 2) % 7) + 1;
  const windows = [{ weekday, start: "10:00", end: "11:00" }];
  await db.query("update schedule set windows = $1, updated_at = clock_timestamp()", [JSON.stringify(windows)]);
}

async function meet(
  fault: Fault,
  { executionId, wakes }: Enrollment,
  on: { db: Database; queue: WakeQueue; sink: () => readonly object[]; start: Start },
): Promise<void> {
  const worker = (more: Readonly<Record<string, string>>) =>
    on.start(compiled("crash-worker"), { CRASH_EXECUTION: executionId, ...more });
  switch (fault.kind) {
    case "kill_api_before_wake":
      return;
    case "kill_before_reply": {
      const child = worker({});
      await waitFor(() => on.sink().length === 1, { ...patience, describe: "the mail server to have the body" });
      child.signal("SIGKILL");
      return endedBy(child, "SIGKILL");
    }
    case "kill":
      return endedBy(worker({ CRASH_AT: fault.at }), "SIGKILL");
    case "freeze": {
      const child = worker({ CRASH_AT: fault.at, CRASH_SIGNAL: "SIGSTOP" });
      if (!(await child.ready)) throw new Error("the worker ended before it was ready");
      await waitFor(() => isNobodySweeping(on.db), { ...patience, describe: "the worker's first sweep to be over" });
      await on.queue.wake(wakes);
      await child.printed(`came to ${fault.at}`);
    }
  }
}

/** A worker that stood still in the middle of a sweep would keep the others from sweeping. */
async function isNobodySweeping(db: Database): Promise<boolean> {
  const { rowCount } = await db.query(
    `select from pg_locks l join pg_database d on d.oid = l.database
     where l.locktype = 'advisory' and d.datname = current_database()`,
  );
  return rowCount === 0;
}

async function endedBy(child: Child, signal: NodeJS.Signals): Promise<void> {
  const ending = await child.ended;
  if (ending.signal !== signal) throw new Error(`the worker ended with ${JSON.stringify(ending)}, not by ${signal}`);
}

/** Lets a frozen worker go on, and finish what it has in hand. */
async function thaw(child: Child): Promise<void> {
  child.signal("SIGCONT");
  child.signal("SIGTERM");
  await child.ended;
}

/** Until nothing more can happen: no timer is left and no lease, and no job in the queue. */
async function settle(db: Database, queue: WakeQueue, waits: boolean): Promise<void> {
  const timers = waits ? 1 : 0;
  let left = "";
  try {
    await waitFor(
      async () => {
        const { rows } = await db.query(
          `select step_number, status, scheduled_for <= clock_timestamp() as is_due from step_execution
           where status in ('scheduled', 'sending')`,
        );
        const { waiting = 0, active = 0, delayed = 0, failed = 0, prioritized = 0 } = await queue.counts();
        const jobs = { waiting, active, delayed, failed, prioritized };
        left = JSON.stringify({ rows, jobs });
        const isUnderWay = rows.some(({ status, is_due }) => status === "sending" || is_due);
        const isNothingAtHand = waiting + active + failed + prioritized === 0;
        return !isUnderWay && rows.length === timers && delayed === timers && isNothingAtHand;
      },
      { ...patience, describe: "everything to be settled" },
    );
  } catch (cause) {
    throw new Error(`something is left open: ${left}`, { cause });
  }
}
