import { openDatabase } from "@dripline/db/database";
import { REAL_PACE } from "@dripline/domain/delay";
import { ALWAYS_OPEN, BUSINESS_HOURS } from "@dripline/domain/schedule";
import { NO_LIMITS, type SendLimits } from "@dripline/domain/throttle";
import { enrollContact } from "@dripline/engine/enroll";
import { createRenderer } from "@dripline/mail/render";
import { createSmtpTransport } from "@dripline/mail/smtp-transport";
import type { TimedWake, Wake } from "@dripline/queue/wake";
import { openMetricRegistry } from "@dripline/telemetry/instruments";
import { noSpans } from "@dripline/telemetry/spans";
import { freshDatabase } from "@dripline/testkit/database";
import { makeContact, makeSequence } from "@dripline/testkit/factories";
import { fixClock } from "@dripline/testkit/fixed-clock";
import { startScriptedSmtp } from "@dripline/testkit/scripted-smtp";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { makeMailSlots } from "./mail-slots.ts";
import type { SendDeps } from "./send-deps.ts";
import { sendStep } from "./send-step.ts";
import { makeWorkerMetrics } from "./worker-metrics.ts";

const { url } = await freshDatabase();
const monday = new Date("2026-03-02T09:00:00Z");
const tuesday = new Date("2026-03-03T00:00:00Z");
const clock = await fixClock(url, monday);
const db = openDatabase({ url, connectionsMax: 10, applicationName: "test", onError: () => {} });
const smtp = await startScriptedSmtp();
const transport = createSmtpTransport({ url: smtp.url, poolSize: 3 });
afterAll(async () => {
  await transport.close();
  await smtp.close();
  await db.end();
});

const woken: TimedWake[] = [];

function depsWith(limits: Partial<SendLimits> = {}): SendDeps {
  return {
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
    limits: { ...NO_LIMITS, ...limits },
    from: { name: "Acme", address: "hello@acme.example" },
    secret: "a secret of at least thirty-two characters",
    publicUrl: "http://127.0.0.1:4600",
    leases: { claimSeconds: 60, dataSeconds: 60 },
  };
}

beforeEach(async () => {
  await clock.jumpTo(monday);
  await db.query("delete from send_quota");
  await db.query("delete from send_rate");
  smtp.play("accept");
  smtp.bodies.length = 0;
  woken.length = 0;
});

async function enrolled(sequenceId: string, contactId?: string): Promise<Wake> {
  const id = contactId ?? (await makeContact(db)).id;
  const request = { sequenceId, contactId: id, companyId: null, notes: "" };
  const result = await enrollContact(db, request, { now: clock.now(), pace: REAL_PACE });
  if (result.kind !== "enrolled" || result.wakes[0] === undefined) throw new Error(JSON.stringify(result));
  return result.wakes[0];
}

async function several(count: number, sequenceId: string): Promise<Wake[]> {
  return Promise.all(Array.from({ length: count }, () => enrolled(sequenceId)));
}

async function sendAll(deps: SendDeps, wakes: readonly Wake[]): Promise<void> {
  for (const wake of wakes) await sendStep(deps, wake);
}

async function executions(wakes: readonly Wake[]) {
  const { rows } = await db.query("select * from step_execution where id = any($1) order by array_position($1, id)", [
    wakes.map((wake) => wake.executionId),
  ]);
  return rows;
}

async function statuses(wakes: readonly Wake[]): Promise<string[]> {
  return (await executions(wakes)).map((row) => row.status);
}

async function events(wake: Wake) {
  const { rows } = await db.query(
    "select kind, reason, message, actor from execution_event where execution_id = $1 order by at, id",
    [wake.executionId],
  );
  return rows;
}

async function used(scope: string): Promise<number | undefined> {
  const { rows } = await db.query("select used from send_quota where scope like $1 || ':%'", [scope]);
  return rows[0]?.used;
}

describe("a limit of emails a day", () => {
  test("puts the others off with a reason, each goes out later, and none is dropped", async () => {
    const { id } = await makeSequence(db, { steps: [{}], sendsPerDayMax: 2 });
    const wakes = await several(5, id);
    const deps = depsWith();

    await sendAll(deps, wakes);
    expect(await statuses(wakes)).toEqual(["sent", "sent", "scheduled", "scheduled", "scheduled"]);
    expect(smtp.bodies).toHaveLength(2);
    const waiting = wakes.slice(2);
    expect((await executions(waiting)).map((row) => [row.scheduled_for, row.attempt_count, row.generation])).toEqual([
      [tuesday, 0, 0],
      [tuesday, 0, 0],
      [new Date("2026-03-04T00:00:00Z"), 0, 0],
    ]);
    const [third] = waiting;
    expect(third && (await events(third))).toEqual([
      {
        kind: "deferred",
        reason: "sequence_daily_limit",
        message:
          "The sequence's limit of 2 emails a day is reached for 2026-03-02 in UTC. Planned for Tuesday 2026-03-03 00:00:00 in UTC.",
        actor: "worker",
      },
    ]);

    await clock.jumpTo(tuesday);
    await sendAll(deps, waiting);
    await clock.jumpTo(new Date("2026-03-04T00:00:00Z"));
    await sendAll(deps, waiting);
    expect(await statuses(wakes)).toEqual(Array(5).fill("sent"));
    expect(smtp.bodies).toHaveLength(5);
  });

  test("with a backlog of more than a week lets one day's emails out each day, until everybody has theirs", async () => {
    const { id } = await makeSequence(db, { steps: [{}], sendsPerDayMax: 1 });
    const wakes = await several(10, id);
    const deps = depsWith();
    const sent = async () => (await statuses(wakes)).filter((status) => status === "sent").length;
    await sendAll(deps, wakes);
    for (let day = 1; day < 10; day += 1) {
      // Late in the day: whatever the spread, everybody who was sent on to it has come.
      await clock.jumpTo(new Date(tuesday.getTime() + (day - 1) * 86_400_000 + 12 * 3_600_000));
      expect(await sent()).toBe(day);
      await sendAll(deps, wakes);
    }
    expect(await statuses(wakes)).toEqual(Array(10).fill("sent"));
  });

  test("tells the queue when the same wake-up comes again", async () => {
    const { id } = await makeSequence(db, { steps: [{}], sendsPerDayMax: 1 });
    const [first, second] = await several(2, id);
    if (first === undefined || second === undefined) throw new Error("two were enrolled");
    await sendStep(depsWith(), first);
    expect(await sendStep(depsWith(), second)).toEqual({ kind: "again", at: tuesday });
  });

  test("of a sender counts over all sequences", async () => {
    const sequences = [await makeSequence(db, { steps: [{}] }), await makeSequence(db, { steps: [{}] })];
    const wakes = await Promise.all(sequences.map(({ id }) => enrolled(id)));
    await sendAll(depsWith({ senderPerDayMax: 1 }), wakes);
    expect(await statuses(wakes)).toEqual(["sent", "scheduled"]);
    expect(wakes[1] && (await events(wakes[1]))).toMatchObject([{ kind: "deferred", reason: "sender_daily_limit" }]);
  });

  test("begins anew at midnight of the schedule's zone, whatever the contact's", async () => {
    // 23:59 on Monday in Bangkok.
    await clock.jumpTo(new Date("2026-03-02T16:59:00Z"));
    const schedule = { ...ALWAYS_OPEN, timezone: "Asia/Bangkok", usesContactTimezone: true };
    const { id } = await makeSequence(db, { steps: [{}], schedule, sendsPerDayMax: 1 });
    const contacts = await Promise.all(
      ["Asia/Bangkok", "America/New_York"].map((timezone) => makeContact(db, { timezone })),
    );
    const wakes = await Promise.all(contacts.map((contact) => enrolled(id, contact.id)));
    await sendAll(depsWith(), wakes);
    const midnight = new Date("2026-03-02T17:00:00Z");
    expect((await executions(wakes)).map((row) => [row.status, row.scheduled_for])).toMatchObject([
      ["sent", {}],
      ["scheduled", midnight],
    ]);
    await clock.jumpTo(midnight);
    await sendAll(depsWith(), wakes.slice(1));
    expect(await statuses(wakes)).toEqual(["sent", "sent"]);
  });

  test("never lets a deferred email out of its window", async () => {
    const { id } = await makeSequence(db, { steps: [{}], schedule: BUSINESS_HOURS, sendsPerDayMax: 1 });
    const wakes = await several(2, id);
    await sendAll(depsWith(), wakes);
    const [, second] = await executions(wakes);
    // Tuesday, 09:00 in Bangkok, and at most the schedule's spread later.
    expect(second.scheduled_for.getTime()).toBeGreaterThanOrEqual(Date.parse("2026-03-03T02:00:00Z"));
    expect(second.scheduled_for.getTime()).toBeLessThan(Date.parse("2026-03-03T02:15:00Z"));
  });
});

describe("one person", () => {
  test("gets one overdue email at a time: the other waits for the gap, and then goes out", async () => {
    const { id: contactId } = await makeContact(db);
    const sequences = [await makeSequence(db, { steps: [{}] }), await makeSequence(db, { steps: [{}] })];
    const wakes = await Promise.all(sequences.map(({ id }) => enrolled(id, contactId)));
    const deps = depsWith({ overdueGapMinutes: 60 });

    const outageIsOver = new Date("2026-03-02T12:00:00Z");
    await clock.jumpTo(outageIsOver);
    await sendAll(deps, wakes);
    const anHourLater = new Date("2026-03-02T13:00:00Z");
    expect((await executions(wakes)).map((row) => [row.status, row.scheduled_for])).toEqual([
      ["sent", expect.any(Date)],
      ["scheduled", anHourLater],
    ]);
    expect(wakes[1] && (await events(wakes[1]))).toMatchObject([{ kind: "deferred", reason: "one_overdue_at_a_time" }]);

    await clock.jumpTo(anHourLater);
    await sendAll(deps, wakes.slice(1));
    expect(await statuses(wakes)).toEqual(["sent", "sent"]);
  });

  test("gets both when workers wake them in the same moment: one now, one later, never both now", async () => {
    const { id: contactId } = await makeContact(db);
    const sequences = [await makeSequence(db, { steps: [{}] }), await makeSequence(db, { steps: [{}] })];
    const wakes = await Promise.all(sequences.map(({ id }) => enrolled(id, contactId)));
    await clock.jumpTo(new Date("2026-03-02T12:00:00Z"));
    await Promise.all(wakes.map((wake) => sendStep(depsWith({ overdueGapMinutes: 60 }), wake)));
    expect((await statuses(wakes)).toSorted()).toEqual(["scheduled", "sent"]);
    expect(smtp.bodies).toHaveLength(1);
  });

  test("gets an email that is on time while a gap of overdue ones runs", async () => {
    const { id: contactId } = await makeContact(db);
    const [late, punctual] = [await makeSequence(db, { steps: [{}] }), await makeSequence(db, { steps: [{}] })];
    const overdue = await enrolled(late.id, contactId);
    await clock.jumpTo(new Date("2026-03-02T12:00:00Z"));
    const onTime = await enrolled(punctual.id, contactId);
    await sendAll(depsWith({ overdueGapMinutes: 60 }), [overdue, onTime]);
    expect(await statuses([overdue, onTime])).toEqual(["sent", "sent"]);
  });

  test("gets no two emails within the gap of contacts, across sequences, late or not", async () => {
    const { id: contactId } = await makeContact(db);
    const sequences = [await makeSequence(db, { steps: [{}] }), await makeSequence(db, { steps: [{}] })];
    const wakes = await Promise.all(sequences.map(({ id }) => enrolled(id, contactId)));
    await sendAll(depsWith({ contactGapMinutes: 240 }), wakes);
    expect((await executions(wakes)).map((row) => [row.status, row.scheduled_for])).toMatchObject([
      ["sent", {}],
      ["scheduled", new Date("2026-03-02T13:00:00Z")],
    ]);
    expect(wakes[1] && (await events(wakes[1]))).toMatchObject([{ reason: "contact_gap" }]);
  });
});

describe("a limit of emails a second", () => {
  test("puts off what would wait longer than a second, one interval apart, and lets it through then", async () => {
    const { id } = await makeSequence(db, { steps: [{}] });
    const wakes = await several(3, id);
    const deps = depsWith({ perSecondMax: 0.5 });
    await sendAll(deps, wakes);
    const at = [2, 4].map((seconds) => new Date(monday.getTime() + seconds * 1_000));
    expect((await executions(wakes)).map((row) => [row.status, row.scheduled_for])).toMatchObject([
      ["sent", {}],
      ["scheduled", at[0]],
      ["scheduled", at[1]],
    ]);
    for (const [i, wake] of wakes.slice(1).entries()) {
      await clock.jumpTo(at[i] ?? monday);
      await sendStep(deps, wake);
    }
    expect(await statuses(wakes)).toEqual(["sent", "sent", "sent"]);
    expect(wakes[2] && (await events(wakes[2]))).toMatchObject([{ kind: "deferred", reason: "send_rate" }]);
  });
});

describe("a place is given back", () => {
  const refusals = [
    ["refused for now", { refuseRecipient: { code: 451, text: "4.3.0 busy" } }, "scheduled"],
    ["refused for good", { refuseRecipient: { code: 550, text: "5.3.0 not here" } }, "failed"],
  ] as const;

  test.each(refusals)("by an email that was %s: the next one goes out", async (_, script, status) => {
    const { id } = await makeSequence(db, { steps: [{}], sendsPerDayMax: 1 });
    const { id: contactId } = await makeContact(db);
    const refused = await enrolled(id, contactId);
    const deps = depsWith({ senderPerDayMax: 1, contactGapMinutes: 60 });
    smtp.play(script);
    await sendStep(deps, refused);
    expect(await statuses([refused])).toEqual([status]);
    expect([await used("sequence"), await used("sender")]).toEqual([0, 0]);

    smtp.play("accept");
    const { id: other } = await makeSequence(db, { steps: [{}] });
    const next = await enrolled(other, contactId);
    await sendStep(deps, next);
    expect(await statuses([next])).toEqual(["sent"]);
  });

  test("by a worker that lost the race for the claim", async () => {
    const { id } = await makeSequence(db, { steps: [{}], sendsPerDayMax: 5 });
    const { id: contactId } = await makeContact(db);
    const wake = await enrolled(id, contactId);
    const withdrawing: SendDeps = {
      ...depsWith(),
      db: new Proxy(db, {
        get(target, property) {
          if (property !== "query") return Reflect.get(target, property);
          return async (...args: Parameters<typeof db.query>) => {
            const name = (args[0] as unknown as { name?: string }).name;
            if (name === "claim-executions")
              await db.query("update contact set opted_out_at = now() where id = $1", [contactId]);
            return db.query(...args);
          };
        },
      }),
    };
    expect((await sendStep(withdrawing, wake)).kind).toBe("again");
    expect(await used("sequence")).toBe(0);
  });

  test("not by an email in doubt: the person may have got it", async () => {
    const { id } = await makeSequence(db, { steps: [{}], sendsPerDayMax: 1 });
    const wake = await enrolled(id);
    smtp.play("drop_after_body");
    await sendStep(depsWith(), wake);
    expect(await statuses([wake])).toEqual(["in_doubt"]);
    expect(await used("sequence")).toBe(1);
  });
});

test("without a limit an email on time costs not one statement more", async () => {
  const { id } = await makeSequence(db, { steps: [{}] });
  const { id: contactId } = await makeContact(db);
  const wake = await enrolled(id, contactId);
  const statements: string[] = [];
  const listening: SendDeps = {
    ...depsWith({ overdueGapMinutes: 60 }),
    db: new Proxy(db, {
      get(target, property) {
        if (property === "query") {
          return (...args: Parameters<typeof db.query>) => {
            statements.push((args[0] as unknown as { name: string }).name);
            return db.query(...args);
          };
        }
        if (property === "connect") statements.push("transaction");
        return Reflect.get(target, property);
      },
    }),
  };
  await sendStep(listening, await enrolled(id, (await makeContact(db)).id)); // reads the template's text for all that follow
  statements.length = 0;
  await sendStep(listening, wake);
  expect(await statuses([wake])).toEqual(["sent"]);
  expect(statements).toEqual(["load-facts", "claim-executions", "mark-data", "finish-executions"]);
});
