import type { Delay } from "@dripline/domain/delay";
import { ALWAYS_OPEN, BUSINESS_HOURS, type Schedule } from "@dripline/domain/schedule";
import { type MadeStep, makeContact, makeSequence } from "@dripline/testkit/factories";
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { sendStep } from "./send-step.ts";
import { isOpenOnTheWall } from "./testing/open-on-the-wall.ts";
import {
  enrollNow,
  type OpenExecution,
  openExecution,
  pastExecutions,
  planNow,
  startWorkerAt,
} from "./testing/worker-at.ts";

// The law: what a plan says is what the worker then does. The clock of the database and of the worker stands still and
// is moved to each timer in turn, everything else is real; so a send happens at the moment it is scheduled for.

const worker = await startWorkerAt(new Date("2026-01-01T00:00:00Z"));
const { clock, deps, smtp, woken } = worker;
const [MINUTE, DAY] = [60_000, 86_400_000];

beforeEach(() => {
  smtp.bodies.length = 0;
  woken.length = 0;
});

const every = (start: string, end: string, weekdays = [1, 2, 3, 4, 5, 6, 7]) =>
  weekdays.map((weekday) => ({ weekday, start, end }));
const minutes = (value: number): MadeStep => ({ delay: { value, unit: "minutes" } });
const hours = (value: number): MadeStep => ({ delay: { value, unit: "hours" } });
const days = (value: number): MadeStep => ({ delay: { value, unit: "days" } });
const businessDays = (value: number): MadeStep => ({ delay: { value, unit: "business_days" } });
const inactive = (step: MadeStep): MadeStep => ({ ...step, isActive: false });

interface Case {
  readonly startsAt: Date;
  readonly schedule: Schedule;
  readonly steps: readonly MadeStep[];
  readonly contactZone: string | null;
}

const theirOwn: Schedule = { ...BUSINESS_HOURS, usesContactTimezone: true };
const overnight: Schedule = { ...theirOwn, windows: every("22:00", "06:00", [1, 3, 5]) };
const mixed = [minutes(0), days(3), minutes(30), inactive(days(9)), businessDays(2), hours(5), days(27)];

const cases: Record<string, Omit<Case, "startsAt" | "contactZone"> & { startsAt: string; contactZone?: string }> = {
  "business hours in Bangkok, from a Friday evening on": {
    startsAt: "2026-11-20T14:20:30.500Z",
    schedule: BUSINESS_HOURS,
    steps: mixed,
  },
  "the contact's own zone, across the end of summer time in New York": {
    startsAt: "2026-10-29T22:10:00Z",
    contactZone: "America/New_York",
    schedule: theirOwn,
    steps: [minutes(5), days(1), hours(24), inactive(minutes(1)), businessDays(1), days(2), minutes(90)],
  },
  "the contact's own zone, across the beginning of summer time in New York, in the hour that is missing": {
    startsAt: "2027-03-12T07:30:00Z",
    contactZone: "America/New_York",
    schedule: { ...ALWAYS_OPEN, usesContactTimezone: true },
    steps: [minutes(0), days(1), days(1), days(1), hours(24)],
  },
  "nights in Berlin, across the end of summer time, in the hour that comes twice": {
    startsAt: "2026-10-20T09:00:00Z",
    contactZone: "Europe/Berlin",
    schedule: overnight,
    steps: [minutes(0), days(2), hours(3), businessDays(1), inactive(days(1)), days(1), hours(1)],
  },
  "a contact's zone that is none, so the schedule's": {
    startsAt: "2026-11-20T14:20:30.500Z",
    contactZone: "Mars/Olympus_Mons",
    schedule: theirOwn,
    steps: [minutes(0), days(1), businessDays(3), hours(30), minutes(1)],
  },
  "several windows a day, shorter than the spread": {
    startsAt: "2026-02-27T23:59:59.999Z",
    schedule: {
      ...BUSINESS_HOURS,
      timezone: "Asia/Kathmandu",
      windows: [...every("09:00", "09:10"), ...every("13:00", "13:05", [1, 3])],
      spreadMinutes: 60,
    },
    steps: [hours(1), minutes(30), hours(4), inactive(hours(1)), days(1), businessDays(3), minutes(0)],
  },
  "public holidays of Thailand, with closed dates and special hours, over the new year": {
    startsAt: "2026-12-29T11:00:00Z",
    schedule: {
      ...BUSINESS_HOURS,
      holidays: { country: "TH", region: null },
      closedDates: ["2026-12-30", "2027-01-05"],
      specialHours: [{ date: "2027-01-02", windows: [{ start: "10:00", end: "12:00" }] }],
    },
    steps: [minutes(0), hours(1), days(1), inactive(days(1)), businessDays(1), businessDays(2), days(1)],
  },
  "a leap day, and delays that are all nothing": {
    startsAt: "2028-02-28T09:59:00Z",
    schedule: BUSINESS_HOURS,
    steps: [minutes(0), minutes(0), days(0), businessDays(1), minutes(0)],
  },
};

test.each(Object.keys(cases))("the plan equals what the worker does: %s", async (name) => {
  const found = cases[name];
  if (found === undefined) throw new Error(`no case ${name}`);
  await planAndWalk({ contactZone: null, ...found, startsAt: new Date(found.startsAt) });
});

test("public holidays are among the dates on which the worker does nothing", async () => {
  const schedule: Schedule = { ...BUSINESS_HOURS, holidays: { country: "TH", region: null }, spreadMinutes: 0 };
  const startsAt = new Date("2026-12-30T11:00:00Z"); // in the evening; then New Year's Eve, New Year's Day, a weekend
  const walked = await planAndWalk({ startsAt, schedule, steps: [minutes(0)], contactZone: null });
  expect(walked).toEqual([new Date("2027-01-04T02:00:00Z")]);
});

test("the plan equals what the worker does, whatever the sequence, the schedule, the zone and the start", async () => {
  const units: Delay["unit"][] = ["minutes", "hours", "days", "business_days"];
  const step = fc.record({
    delay: fc.record({ value: fc.integer({ min: 0, max: 12 }), unit: fc.constantFrom(...units) }),
    isActive: fc.boolean().map((isNot) => !isNot),
  });
  const schedules = [BUSINESS_HOURS, theirOwn, overnight, { ...ALWAYS_OPEN, usesContactTimezone: true }];
  const somewhere = fc.record({
    startsAt: fc.date({ min: new Date("2026-01-01"), max: new Date("2029-12-31"), noInvalidDate: true }),
    schedule: fc.constantFrom(...schedules),
    steps: fc
      .tuple(fc.constant<MadeStep>({}), fc.array(step, { minLength: 4, maxLength: 7 }))
      .map(([a, b]) => [a, ...b]),
    contactZone: fc.constantFrom("America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Kathmandu", null),
  });
  await fc.assert(
    fc.asyncProperty(somewhere, async (each) => void (await planAndWalk(each))),
    {
      numRuns: 15,
      seed: 20_261_122,
    },
  );
});

/**
 * Enrolls somebody, plans, and lets the worker do it; also plans again before each send, for what is left. Answers the
 * moments of the sends.
 */
async function planAndWalk({ startsAt, schedule, steps, contactZone }: Case): Promise<Date[]> {
  await clock.jumpTo(startsAt);
  const { id: sequenceId } = await makeSequence(worker.db, { steps, schedule });
  const { id: contactId } = await makeContact(worker.db, { timezone: contactZone });
  const guess = await planNow(worker, sequenceId, contactId);
  const enrollmentId = await enrollNow(worker, { sequenceId, contactId });
  const plan = await planNow(worker, sequenceId, contactId);
  const bodies = smtp.bodies.length;

  let open = await openExecution(worker, enrollmentId);
  for (let sends = 0; open !== undefined; sends += 1) {
    if (sends > steps.length) throw new Error("it never comes to an end");
    await clock.jumpTo(open.scheduledFor);
    expect(moments(await planNow(worker, sequenceId, contactId))).toEqual(moments(plan.slice(sends)));
    expect(await sendStep(deps, open)).toEqual({ kind: "done" });
    open = await openExecution(worker, enrollmentId);
  }

  const past = await pastExecutions(worker, enrollmentId);
  const sent = past.flatMap((row) => (row.sent_at === null ? [] : [{ ...row, sent_at: row.sent_at }]));
  expect(sent.map(asInPlan)).toEqual(moments(plan));
  expect(sent.map((row) => row.step_number)).toEqual(
    steps.flatMap((step, index) => ((step.isActive ?? true) ? [index + 1] : [])),
  );
  expect(past).toHaveLength(steps.length); // the others are on record as skipped
  expect(smtp.bodies.length - bodies).toBe(sent.length);
  for (const row of sent) {
    expect(row.timezone_source).toBe(row.timezone === contactZone ? "contact" : "schedule");
    expect(isOpenOnTheWall(schedule, row.timezone ?? "", row.sent_at)).toBe(true);
    expect(row.sent_at >= row.due_at).toBe(true);
  }
  // Before anybody was enrolled the spread was not known, but where it could put them was.
  expect(guess).toHaveLength(sent.length);
  for (const [index, { sent_at }] of sent.entries()) {
    const { earliestAt, latestAt } = guess[index] ?? {};
    expect(earliestAt && earliestAt <= sent_at).toBe(true);
    expect(latestAt && latestAt >= sent_at).toBe(true);
  }
  const { rows } = await worker.db.query("select status, completed_at from sequence_enrollment where id = $1", [
    enrollmentId,
  ]);
  expect(rows).toEqual([{ status: "completed", completed_at: sent.at(-1)?.sent_at }]);
  return sent.map((row) => row.sent_at);
}

const moments = (plan: Awaited<ReturnType<typeof planNow>>) =>
  plan.map(({ stepNumber, scheduledFor, dueAt, timezone, timezoneSource }) => {
    return { stepNumber, at: scheduledFor, dueAt, timezone, timezoneSource };
  });

const asInPlan = (row: Awaited<ReturnType<typeof pastExecutions>>[number]) => {
  const { step_number: stepNumber, sent_at: at, due_at: dueAt, timezone, timezone_source: timezoneSource } = row;
  return { stepNumber, at, dueAt, timezone, timezoneSource };
};

describe("wake-ups at the wrong moment", () => {
  test.each([
    ["business hours", BUSINESS_HOURS, null],
    ["business hours of the contact", theirOwn, "America/New_York"],
    ["nights", overnight, "Europe/Berlin"],
    ["holidays", { ...BUSINESS_HOURS, holidays: { country: "TH", region: null } }, null],
  ] as const)(
    "early, late and more than once, never send outside a window nor twice: %s",
    async (_, schedule, contactZone) => {
      await clock.jumpTo(new Date("2026-10-27T18:00:00Z"));
      const steps = [minutes(0), days(2), hours(7), inactive(days(1)), businessDays(3), minutes(20)];
      const { id: sequenceId } = await makeSequence(worker.db, { steps, schedule });
      const { id: contactId } = await makeContact(worker.db, { timezone: contactZone });
      const enrollmentId = await enrollNow(worker, { sequenceId, contactId });
      const zone = contactZone ?? schedule.timezone;

      let open = await openExecution(worker, enrollmentId);
      while (open !== undefined) {
        const planned = open.scheduledFor;
        await fireEarly(open, new Date(planned.getTime() - 60 * MINUTE));
        await fireEarly(open, new Date(planned.getTime() - 1));

        await clock.jumpTo(anHourAfterTheWindow(schedule, zone, planned));
        const late = await sendStep(deps, open);
        const deferred = await openExecution(worker, enrollmentId);
        expect(deferred).toMatchObject({
          executionId: open.executionId,
          status: "scheduled",
          generation: open.generation,
        });
        expect(late).toEqual({ kind: "again", at: deferred?.scheduledFor });
        if (deferred === undefined) throw new Error("it was sent outside the window");
        expect(deferred.scheduledFor > clock.now()).toBe(true);
        await fireEarly(deferred, clock.now());

        const bodies = smtp.bodies.length;
        await clock.jumpTo(deferred.scheduledFor);
        await Promise.all([deferred, deferred, deferred].map((wake) => sendStep(deps, wake)));
        for (const generation of [0, 1, 2]) await sendStep(deps, { executionId: deferred.executionId, generation });
        expect(smtp.bodies.length - bodies).toBe(1);
        open = await openExecution(worker, enrollmentId);
      }

      const past = await pastExecutions(worker, enrollmentId);
      expect(past.map((row) => row.status)).toEqual(["sent", "sent", "sent", "skipped", "sent", "sent"]);
      for (const { sent_at } of past) {
        if (sent_at !== null) expect(isOpenOnTheWall(schedule, zone, sent_at)).toBe(true);
      }
      expect(smtp.bodies).toHaveLength(5);
    },
  );

  async function fireEarly(open: OpenExecution, at: Date): Promise<void> {
    const bodies = smtp.bodies.length;
    await clock.jumpTo(at);
    const verdict = await sendStep(deps, open);
    expect(verdict).toMatchObject({ kind: "again" });
    expect(await openExecution(worker, open.enrollmentId)).toEqual(open);
    expect(smtp.bodies.length).toBe(bodies);
  }
});

/** Walks minute by minute to the end of the window that is open at `from`, and an hour on. It is closed there, or later. */
function anHourAfterTheWindow(schedule: Schedule, zone: string, from: Date): Date {
  let at = from.getTime();
  while (isOpenOnTheWall(schedule, zone, new Date(at))) at += MINUTE;
  at += 60 * MINUTE;
  if (at - from.getTime() > DAY || isOpenOnTheWall(schedule, zone, new Date(at))) throw new Error("it does not close");
  return new Date(at);
}
