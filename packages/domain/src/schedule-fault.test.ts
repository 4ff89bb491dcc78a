import { expect, test } from "vitest";
import { decideSend, type SendFacts } from "./decide-send.ts";
import { REAL_PACE } from "./delay.ts";
import { planStep } from "./next-step.ts";
import { planResume } from "./plan-resume.ts";
import { BUSINESS_HOURS, type Schedule } from "./schedule.ts";
import { scheduleFault } from "./schedule-fault.ts";

/** Wednesday 10:00 in Bangkok. */
const now = new Date("2026-11-25T03:00:00Z");

const faulty: [ReturnType<typeof scheduleFault> & object, Schedule][] = [
  [
    { reason: "unknown_time_zone", message: 'The time zone "Mars/Olympus_Mons" is not known to this machine.' },
    { ...BUSINESS_HOURS, timezone: "Mars/Olympus_Mons" },
  ],
  [
    { reason: "unknown_holiday_calendar", message: expect.stringContaining('no holiday calendar for "XX"') },
    { ...BUSINESS_HOURS, holidays: { country: "XX", region: null } },
  ],
];

test("a schedule whose zone and calendar are known has no fault", () => {
  const schedule = { ...BUSINESS_HOURS, holidays: { country: "TH", region: null } };
  expect(scheduleFault(schedule, "Asia/Bangkok")).toBeNull();
});

test("a schedule's own zone has to be known even where a contact's is read: dates of limits count in it", () => {
  const schedule = { ...BUSINESS_HOURS, timezone: "Mars/Olympus_Mons", usesContactTimezone: true };
  expect(scheduleFault(schedule, "Europe/Berlin")).toMatchObject({ reason: "unknown_time_zone" });
});

test.each(faulty)("%o is said in words", (fault, schedule) => {
  expect(scheduleFault(schedule, schedule.timezone)).toEqual(fault);
});

test.each(faulty)("with %o an email that is due is held, not sent and not stuck in an error", (fault, schedule) => {
  const facts: SendFacts = {
    execution: {
      id: "e1",
      status: "scheduled",
      generation: 0,
      dueAt: new Date(now.getTime() - 86_400_000),
      scheduledFor: now,
      stepNumber: 1,
      stepKey: "k1",
      attemptCount: 0,
      catchesUp: false,
    },
    step: { isActive: true, maxLateness: { value: 1, unit: "hours" }, latePolicy: "send" },
    enrollment: { id: "n1", status: "active" },
    sequence: { status: "active" },
    schedule,
    contact: { timezone: null, optedOutAt: null, isSuppressed: false },
    company: null,
  };
  expect(decideSend(facts, 0, now)).toEqual({ kind: "hold", ...fault });
});

test.each(faulty)(
  "with %o the next step is planned as held, so that the step before can be recorded",
  (_, schedule) => {
    const step = { id: "s1", key: "k1", stepNumber: 1, delay: { value: 1, unit: "days" }, isActive: true } as const;
    const zone = { zone: schedule.timezone, source: "schedule" } as const;
    expect(planStep(step, { from: now, enrollmentId: "n1", schedule, zone, pace: REAL_PACE })).toMatchObject({
      isHeld: true,
      scheduledFor: now,
    });
  },
);

test.each(faulty)("with %o a resumed email stays held, for that reason", (fault, schedule) => {
  const heldAt = new Date(now.getTime() - 3_600_000);
  const clock = { countsFrom: heldAt, dueAt: heldAt, scheduledFor: heldAt, heldAt, now, attemptCount: 0 };
  expect(planResume({ ...clock, schedule, zone: schedule.timezone, seed: "s" })).toMatchObject({
    kind: "held",
    ...fault,
  });
});
