import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { planResume, type ResumeRequest } from "./plan-resume.ts";
import { ALWAYS_OPEN, BUSINESS_HOURS, type Schedule } from "./schedule.ts";
import { planSendTime } from "./send-time.ts";
import { isOpen } from "./window.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const at = (text: string) => new Date(text);
const plus = (date: Date, milliseconds: number) => new Date(date.getTime() + milliseconds);

/** Monday 10:00 in Bangkok, in business hours; its email is due on Thursday at the same time. */
const monday = at("2026-11-23T03:00:00Z");

function resume(values: Partial<ResumeRequest> = {}) {
  const dueAt = values.dueAt ?? plus(monday, 3 * DAY);
  return planResume({
    countsFrom: monday,
    dueAt,
    scheduledFor: dueAt,
    attemptCount: 0,
    heldAt: plus(monday, DAY),
    now: plus(monday, 2 * DAY),
    schedule: BUSINESS_HOURS,
    zone: "Asia/Bangkok",
    seed: "enrollment:step",
    ...values,
  });
}

describe("an email that waits for its time", () => {
  test("moves by the time of the pause, with the moment that its delay counts from", () => {
    expect(resume()).toEqual({
      kind: "scheduled",
      countsFrom: plus(monday, DAY),
      dueAt: plus(monday, 4 * DAY),
      catchesUp: false,
      scheduledFor: plus(monday, 4 * DAY), // Friday 10:00, a window is open
    });
  });

  test("goes into the next window if the pause moved it out of one", () => {
    const plan = resume({ now: plus(monday, 3 * DAY) }); // Saturday 10:00

    expect(plan).toMatchObject({ kind: "scheduled", dueAt: plus(monday, 5 * DAY) });
    const opening = at("2026-11-30T02:00:00Z").getTime(); // Monday 09:00
    if (plan.kind !== "scheduled") throw new Error("it is scheduled");
    expect(plan.scheduledFor.getTime()).toBeGreaterThanOrEqual(opening);
    expect(plan.scheduledFor.getTime()).toBeLessThan(opening + 15 * 60_000);
  });

  test("is not moved by a window of before the pause: only its due time counts", () => {
    // Due on Saturday, so planned for Monday. Two hours of pause on Saturday leave Monday as it was.
    const saturday = at("2026-11-28T03:00:00Z");
    const seed = "enrollment:step";
    const planned = planSendTime({ schedule: BUSINESS_HOURS, zone: "Asia/Bangkok", dueAt: saturday, seed });
    if (planned.kind !== "deferred") throw new Error("Saturday is closed");

    const plan = resume({
      dueAt: saturday,
      scheduledFor: planned.at,
      heldAt: plus(saturday, HOUR),
      now: plus(saturday, 3 * HOUR),
    });

    expect(plan).toMatchObject({ kind: "scheduled", dueAt: plus(saturday, 2 * HOUR), scheduledFor: planned.at });
  });
});

test("a retry keeps what was left of its backoff", () => {
  const plan = resume({
    dueAt: monday,
    scheduledFor: plus(monday, HOUR + 60_000),
    attemptCount: 1,
    heldAt: plus(monday, HOUR),
    now: plus(monday, DAY),
  });

  expect(plan).toMatchObject({
    kind: "scheduled",
    dueAt: plus(monday, DAY - HOUR),
    scheduledFor: plus(monday, DAY + 60_000),
  });
});

describe("an email that was due already", () => {
  const overdue = { dueAt: plus(monday, -DAY), heldAt: monday };

  test("is spread over the minutes after the resume, each email at a place of its own", () => {
    const now = plus(monday, DAY);
    const times = ["a", "b", "c", "d", "e", "f"].map((seed) => {
      const plan = resume({ ...overdue, now, seed });
      if (plan.kind !== "scheduled") throw new Error("it is scheduled");
      return plan.scheduledFor.getTime() - now.getTime();
    });

    expect(new Set(times).size).toBe(times.length);
    for (const time of times) {
      expect(time).toBeGreaterThanOrEqual(0);
      expect(time).toBeLessThan(15 * 60_000);
    }
  });

  test("is spread over no more than the pause lasted", () => {
    const plan = resume({ ...overdue, now: plus(monday, 1_000) });

    if (plan.kind !== "scheduled") throw new Error("it is scheduled");
    expect(plan.scheduledFor.getTime() - monday.getTime()).toBeLessThan(2_000);
  });

  test("is not late by its spread: what was late at the resume is as late when it goes out", () => {
    const now = plus(monday, HOUR);
    const plan = resume({ ...overdue, now });

    if (plan.kind !== "scheduled") throw new Error("it is scheduled");
    expect(plan.scheduledFor.getTime()).toBeGreaterThan(now.getTime());
    const lateAtTheResume = now.getTime() - (overdue.dueAt.getTime() + HOUR);
    expect(plan.scheduledFor.getTime() - plan.dueAt.getTime()).toBe(lateAtTheResume);
  });

  test("is spread over no more than the rest of the window", () => {
    const minuteToFive = at("2026-11-24T09:59:00Z");
    const plan = resume({ ...overdue, now: minuteToFive });

    if (plan.kind !== "scheduled") throw new Error("it is scheduled");
    expect(plan.scheduledFor.getTime() - minuteToFive.getTime()).toBeLessThan(60_000);
  });

  test("waits for the next opening and its spread if no window is open", () => {
    const evening = at("2026-11-24T15:00:00Z");
    const plan = resume({ ...overdue, now: evening });

    if (plan.kind !== "scheduled") throw new Error("it is scheduled");
    const opening = at("2026-11-25T02:00:00Z").getTime();
    expect(plan.scheduledFor.getTime()).toBeGreaterThanOrEqual(opening);
    expect(plan.scheduledFor.getTime()).toBeLessThan(opening + 15 * 60_000);
  });
});

test.each([
  ["a moment before the pause, it is part of the backlog that it leaves", -1, DAY, true],
  ["in the moment of the pause, too", 0, DAY, true],
  ["a moment later, it has that moment still to wait, and is punctual", 1, DAY, false],
  ["long before a pause that took no time, it is as late as it was", -DAY, 0, false],
])("an email that was due %s", (_, due, paused, catchesUp) => {
  const heldAt = plus(monday, DAY);
  expect(resume({ dueAt: plus(heldAt, due), heldAt, now: plus(heldAt, paused) })).toMatchObject({ catchesUp });
});

test("under a schedule that never opens, or in an unknown zone, it goes on waiting and says why; its clock has moved", () => {
  const clock = { countsFrom: plus(monday, DAY), dueAt: plus(monday, 4 * DAY) };

  expect(resume({ schedule: { ...BUSINESS_HOURS, windows: [] } })).toMatchObject({
    kind: "held",
    reason: "window_never_opens",
    message: "The schedule has no window in the next 400 days.",
    ...clock,
  });
  expect(resume({ zone: "Mars/Olympus" })).toMatchObject({ kind: "held", reason: "unknown_time_zone", ...clock });
});

test("a clock that went back between pause and resume moves nothing", () => {
  expect(resume({ now: plus(monday, DAY - 5_000) })).toMatchObject({ dueAt: plus(monday, 3 * DAY) });
});

describe("laws", () => {
  const instant = fc
    .integer({ min: Date.UTC(2024, 0, 1), max: Date.UTC(2028, 0, 1) })
    .map((milliseconds) => new Date(milliseconds));
  const schedule: fc.Arbitrary<Schedule> = fc
    .record({
      windows: fc.array(
        fc.record({
          weekday: fc.integer({ min: 1, max: 7 }),
          start: fc.constantFrom("00:00", "08:30", "13:00", "22:00"),
          end: fc.constantFrom("02:30", "12:00", "17:00", "24:00"),
        }),
        { minLength: 1, maxLength: 6 },
      ),
      spreadMinutes: fc.integer({ min: 0, max: 240 }),
    })
    .map((values) => ({ ...ALWAYS_OPEN, ...values }));
  const waiting = fc.record({
    countsFrom: instant,
    dueAt: instant,
    scheduledFor: instant,
    attemptCount: fc.integer({ min: 0, max: 3 }),
    heldAt: instant,
    schedule,
    zone: fc.constantFrom("UTC", "Asia/Bangkok", "America/St_Johns", "Australia/Lord_Howe", "Africa/Casablanca"),
    seed: fc.string({ maxLength: 10 }),
  });
  const pause = fc.integer({ min: 1, max: 400 * DAY });

  test("pausing and resuming at once changes nothing", () => {
    fc.assert(
      fc.property(waiting, (row) => {
        const { countsFrom, dueAt, scheduledFor } = row;
        const unchanged = { countsFrom, dueAt, catchesUp: false, scheduledFor };
        expect(planResume({ ...row, now: row.heldAt })).toEqual({ kind: "scheduled", ...unchanged });
      }),
    );
  });

  test("the time left before the pause is the time left after it", () => {
    fc.assert(
      fc.property(waiting, pause, (row, milliseconds) => {
        const now = plus(row.heldAt, milliseconds);
        const plan = planResume({ ...row, now });
        const left = row.dueAt.getTime() - row.heldAt.getTime();
        expect(plan.countsFrom.getTime() - now.getTime()).toBe(row.countsFrom.getTime() - row.heldAt.getTime());
        // What was due already is spread; that makes it due later, not earlier, and not late.
        if (left > 0) expect(plan.dueAt.getTime() - now.getTime()).toBe(left);
        else expect(plan.dueAt.getTime() - now.getTime()).toBeGreaterThanOrEqual(left);
      }),
    );
  });

  test("never outside a window, never before it is due, never in the past", () => {
    fc.assert(
      fc.property(waiting, pause, (row, milliseconds) => {
        const now = plus(row.heldAt, milliseconds);
        const plan = planResume({ ...row, now });
        if (plan.kind === "held") return;
        expect(isOpen(row.schedule, row.zone, plan.scheduledFor)).toBe(true);
        expect(plan.scheduledFor.getTime()).toBeGreaterThanOrEqual(now.getTime());
        if (row.attemptCount === 0) {
          expect(plan.scheduledFor.getTime()).toBeGreaterThanOrEqual(plan.dueAt.getTime());
        }
      }),
    );
  });

  test("two pauses in a row move an email that waits as far as one pause of both lengths", () => {
    fc.assert(
      fc.property(waiting, pause, pause, (row, first, second) => {
        const then = planResume({ ...row, now: plus(row.heldAt, first) });
        const again = planResume({
          ...row,
          ...then,
          heldAt: plus(row.heldAt, first),
          now: plus(row.heldAt, first + second),
        });
        const once = planResume({ ...row, now: plus(row.heldAt, first + second) });
        expect(again.countsFrom).toEqual(once.countsFrom);
        if (row.dueAt > row.heldAt) expect(again.dueAt).toEqual(once.dueAt);
        if (row.attemptCount === 0 && row.dueAt > row.heldAt) expect(again).toEqual(once);
      }),
    );
  });
});
