import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Delay, REAL_PACE } from "./delay.ts";
import { type PlannedStep, planNextStep } from "./next-step.ts";
import { type PlannedSend, type PlanSequenceInput, planSequence } from "./plan-sequence.ts";
import { ALWAYS_OPEN, BUSINESS_HOURS, type Schedule } from "./schedule.ts";
import { isOpen } from "./window.ts";

function step(stepNumber: number, value: number, unit: Delay["unit"] = "days", isActive = true): PlannedStep {
  return { id: `s${stepNumber}`, key: `k${stepNumber}`, stepNumber, delay: { value, unit }, isActive };
}

const bangkok = { zone: "Asia/Bangkok", source: "schedule" } as const;
const common: Omit<PlanSequenceInput, "steps"> = {
  afterStepNumber: 0,
  from: new Date("2026-11-20T03:00:00Z"), // Friday 10:00 in Bangkok
  enrollmentId: "n1",
  schedule: ALWAYS_OPEN,
  zone: { zone: "UTC", source: "schedule" },
  pace: REAL_PACE,
};
const punctual: Schedule = { ...BUSINESS_HOURS, spreadMinutes: 0 };

function sendsOf(input: PlanSequenceInput): PlannedSend[] {
  return planSequence(input).filter((entry) => entry.kind === "send");
}

function timesOf(input: PlanSequenceInput): string[] {
  return sendsOf(input).map((send) => send.scheduledFor.toISOString());
}

describe("what goes out, and when", () => {
  test.each([
    {
      title: "each step counts from the planned send of the one before",
      steps: [step(1, 0), step(2, 3), step(3, 27)],
      expected: ["2026-11-20T03:00:00.000Z", "2026-11-23T03:00:00.000Z", "2026-12-20T03:00:00.000Z"],
    },
    {
      title: "a step without a delay goes out with the one before",
      steps: [step(1, 1), step(2, 0)],
      expected: ["2026-11-21T03:00:00.000Z", "2026-11-21T03:00:00.000Z"],
    },
    {
      title: "business days leave out the weekend; days run into it and wait for Monday",
      schedule: punctual,
      zone: bangkok,
      steps: [step(1, 1, "business_days"), step(2, 5, "days"), step(3, 1, "business_days")],
      expected: ["2026-11-23T03:00:00.000Z", "2026-11-30T02:00:00.000Z", "2026-12-01T02:00:00.000Z"],
    },
    {
      title: "a closed date moves a step to the next opening, and what follows counts from there",
      schedule: { ...punctual, closedDates: ["2026-11-23"] },
      zone: bangkok,
      steps: [step(1, 3), step(2, 24, "hours")],
      expected: ["2026-11-24T02:00:00.000Z", "2026-11-25T02:00:00.000Z"],
    },
    {
      title: "a public holiday moves a step to the next working day, and business days leave it out",
      from: new Date("2026-12-23T09:00:00Z"), // Wednesday 10:00 in Berlin
      schedule: { ...punctual, holidays: { country: "DE", region: null } },
      zone: { zone: "Europe/Berlin", source: "schedule" } as const,
      steps: [step(1, 2, "days"), step(2, 4, "business_days")], // Friday is Christmas Day; New Year's Day is the next Friday
      expected: ["2026-12-28T08:00:00.000Z", "2027-01-04T08:00:00.000Z"],
    },
    {
      title: "days keep the wall clock over the end of summer time, hours do not",
      from: new Date("2026-10-24T08:00:00Z"), // 10:00 in Berlin, the day before clocks go back
      zone: { zone: "Europe/Berlin", source: "contact" } as const,
      steps: [step(1, 0), step(2, 1, "days"), step(3, 1, "days")],
      expected: ["2026-10-24T08:00:00.000Z", "2026-10-25T09:00:00.000Z", "2026-10-26T09:00:00.000Z"],
    },
    {
      title: "the windows of a schedule are read in the contact's zone",
      schedule: { ...punctual, usesContactTimezone: true },
      zone: { zone: "America/New_York", source: "contact" } as const,
      steps: [step(1, 0)],
      expected: ["2026-11-20T14:00:00.000Z"],
    },
    {
      title: "it begins after the step that is over",
      steps: [step(1, 0), step(2, 3), step(3, 1)],
      afterStepNumber: 1,
      expected: ["2026-11-23T03:00:00.000Z", "2026-11-24T03:00:00.000Z"],
    },
    {
      title: "and stops at the number of sends asked for",
      steps: [step(1, 0), step(2, 3), step(3, 1)],
      stepsMax: 2,
      expected: ["2026-11-20T03:00:00.000Z", "2026-11-23T03:00:00.000Z"],
    },
    { title: "a sequence without steps has none", steps: [], expected: [] },
  ])("$title", ({ title: _, expected, ...input }) => {
    expect(timesOf({ ...common, ...input })).toEqual(expected);
  });

  test("inactive steps stand in their places, passed over the moment the step before is over", () => {
    const steps = [step(1, 1), step(2, 9, "days", false), step(3, 1), step(4, 9, "days", false)];
    expect(planSequence({ ...common, steps })).toMatchObject([
      { kind: "send", stepNumber: 1, scheduledFor: new Date("2026-11-21T03:00:00Z") },
      { kind: "passed_over", stepNumber: 2, passedAt: new Date("2026-11-21T03:00:00Z") },
      { kind: "send", stepNumber: 3, scheduledFor: new Date("2026-11-22T03:00:00Z") },
      { kind: "passed_over", stepNumber: 4, passedAt: new Date("2026-11-22T03:00:00Z") },
    ]);
  });
});

describe("what is said about it", () => {
  test("nothing, of a step that is due in a window", () => {
    expect(sendsOf({ ...common, steps: [step(1, 2)] })).toMatchObject([{ shifts: [], isHeld: false }]);
  });

  test("that a step waits for the window, with the zone", () => {
    const [, second] = sendsOf({
      ...common,
      schedule: punctual,
      zone: bangkok,
      steps: [step(1, 0), step(2, 1)],
    });
    expect(second).toMatchObject({ timezone: "Asia/Bangkok", timezoneSource: "schedule" });
    expect(second?.shifts).toEqual([expect.stringContaining("Saturday 10:00 in Asia/Bangkok")]);
  });

  test("that a time does not exist where clocks go forward", () => {
    const [only] = sendsOf({
      ...common,
      from: new Date("2026-03-28T01:30:00Z"), // 02:30 in Berlin, the day before clocks go forward at 02:00
      zone: { zone: "Europe/Berlin", source: "schedule" },
      steps: [step(1, 1)],
    });
    expect(only?.dueAt).toEqual(new Date("2026-03-29T01:00:00Z"));
    expect(only?.shifts).toEqual([
      "clocks go forward in Europe/Berlin: the time 02:30 does not exist then, the first moment after it is 2026-03-29 03:00",
    ]);
  });

  test("nothing after a step that is held, which says why", () => {
    const never = { ...ALWAYS_OPEN, windows: [] };
    const held = planSequence({ ...common, schedule: never, steps: [step(1, 0), step(2, 1)] });
    expect(held).toMatchObject([{ kind: "send", stepNumber: 1, isHeld: true }]);
    expect(held[0]).toHaveProperty("shifts", [expect.stringContaining("give it a window")]);
  });

  test("that a zone is none, of a step that is held because of it", () => {
    const zone = { zone: "Mars/Base", source: "schedule" } as const;
    expect(planSequence({ ...common, zone, steps: [step(1, 0), step(2, 1)] })).toMatchObject([
      { isHeld: true, shifts: ['The time zone "Mars/Base" is not known to this machine.'] },
    ]);
  });
});

describe("laws", () => {
  const plans = fc.record({
    steps: fc.array(
      fc.record({
        value: fc.integer({ min: 0, max: 40 }),
        unit: fc.constantFrom<Delay["unit"]>("minutes", "hours", "days", "business_days"),
        isActive: fc.boolean(),
      }),
      { maxLength: 8 },
    ),
    from: fc.integer({ min: Date.parse("2026-01-01"), max: Date.parse("2028-01-01") }),
    zone: fc.constantFrom("UTC", "Asia/Kathmandu", "Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns"),
    windows: fc.array(
      fc.record({
        weekday: fc.integer({ min: 1, max: 7 }),
        start: fc.constantFrom("00:00", "01:30", "09:00", "22:00", "23:50"),
        end: fc.constantFrom("00:30", "02:30", "09:05", "17:00", "24:00"),
      }),
      { minLength: 1, maxLength: 6 },
    ),
    spreadMinutes: fc.constantFrom(0, 15, 90),
    enrollmentId: fc.uuid(),
  });
  type Drawn = typeof plans extends fc.Arbitrary<infer T> ? T : never;

  function inputOf({ steps, from, zone, windows, spreadMinutes, enrollmentId }: Drawn): PlanSequenceInput {
    return {
      ...common,
      steps: steps.map(({ value, unit, isActive }, index) => step(index + 1, value, unit, isActive)),
      from: new Date(from),
      zone: { zone, source: "schedule" },
      schedule: { ...ALWAYS_OPEN, windows, spreadMinutes },
      enrollmentId,
    };
  }

  test("each send is the next step after the one before it", () => {
    fc.assert(
      fc.property(plans, (drawn) => {
        const input = inputOf(drawn);
        let { afterStepNumber, from } = input;
        for (const send of sendsOf(input)) {
          const { next } = planNextStep({ ...input, afterStepNumber, from });
          expect(send).toMatchObject({ stepId: next?.stepId, dueAt: next?.dueAt, scheduledFor: next?.scheduledFor });
          [afterStepNumber, from] = [send.stepNumber, send.scheduledFor];
        }
      }),
    );
  });

  test("every step of the sequence is in the plan once, sent if active and passed over if not", () => {
    fc.assert(
      fc.property(plans, (drawn) => {
        const input = inputOf(drawn);
        expect(planSequence(input).map((entry) => [entry.stepNumber, entry.kind])).toEqual(
          input.steps.map(({ stepNumber, isActive }) => [stepNumber, isActive ? "send" : "passed_over"]),
        );
      }),
    );
  });

  test("never outside a window, never before due, never before the step before", () => {
    fc.assert(
      fc.property(plans, (drawn) => {
        const input = inputOf(drawn);
        let before = input.from;
        for (const { scheduledFor, dueAt } of sendsOf(input)) {
          expect(isOpen(input.schedule, input.zone.zone, scheduledFor)).toBe(true);
          expect(scheduledFor.getTime()).toBeGreaterThanOrEqual(dueAt.getTime());
          expect(dueAt.getTime()).toBeGreaterThanOrEqual(before.getTime());
          before = scheduledFor;
        }
      }),
    );
  });

  test("the range of a hypothetical plan holds what really happens, whichever id the enrollment gets", () => {
    fc.assert(
      fc.property(plans, fc.array(fc.uuid(), { minLength: 1, maxLength: 5 }), (drawn, enrollmentIds) => {
        const input = inputOf(drawn);
        const hypothetical = sendsOf({ ...input, isHypothetical: true });
        for (const enrollmentId of enrollmentIds) {
          sendsOf({ ...input, enrollmentId }).forEach((real, index) => {
            const { earliestAt, latestAt } = hypothetical[index] ?? {};
            expect(real.scheduledFor.getTime()).toBeGreaterThanOrEqual(earliestAt?.getTime() ?? Number.NaN);
            expect(real.scheduledFor.getTime()).toBeLessThanOrEqual(latestAt?.getTime() ?? Number.NaN);
          });
        }
      }),
      { numRuns: 400 },
    );
  });

  test("the plan of an enrollment is exact, and of a deferred step without one it is the spread", () => {
    const input = { ...common, schedule: BUSINESS_HOURS, zone: bangkok, steps: [step(1, 1), step(2, 1, "hours")] };
    for (const send of sendsOf(input)) {
      expect([send.earliestAt, send.latestAt]).toEqual([send.scheduledFor, send.scheduledFor]);
    }
    expect(sendsOf({ ...input, isHypothetical: true })).toMatchObject([
      { earliestAt: new Date("2026-11-23T02:00:00Z"), latestAt: new Date("2026-11-23T02:14:59.999Z") },
      { earliestAt: new Date("2026-11-23T03:00:00Z"), latestAt: new Date("2026-11-23T03:14:59.999Z") },
    ]);
  });
});
