import { expect, test } from "vitest";
import { REAL_PACE } from "./delay.ts";
import { type PlannedStep, planNextStep } from "./next-step.ts";
import { ALWAYS_OPEN, BUSINESS_HOURS } from "./schedule.ts";

const from = new Date("2026-11-20T03:00:00Z"); // Friday 10:00 in Bangkok

function step(stepNumber: number, days: number, isActive = true): PlannedStep {
  return { id: `s${stepNumber}`, key: `k${stepNumber}`, stepNumber, delay: { value: days, unit: "days" }, isActive };
}

const common = {
  from,
  enrollmentId: "n1",
  schedule: ALWAYS_OPEN,
  zone: { zone: "UTC", source: "schedule" } as const,
  pace: REAL_PACE,
};

test("the next step is due its delay after the moment the last one was over", () => {
  const { next, passedOver } = planNextStep({ ...common, steps: [step(1, 0), step(2, 3)], afterStepNumber: 1 });
  expect(passedOver).toEqual([]);
  expect(next).toMatchObject({ stepId: "s2", stepNumber: 2, dueAt: new Date("2026-11-23T03:00:00Z"), deferral: null });
  expect(next?.scheduledFor).toEqual(next?.dueAt);
});

test("after the last step there is none", () => {
  expect(planNextStep({ ...common, steps: [step(1, 0), step(2, 3)], afterStepNumber: 2 })).toEqual({
    passedOver: [],
    next: null,
  });
});

test("inactive steps are passed over, and their own delay does not count", () => {
  const steps = [step(1, 0), step(2, 100, false), step(3, 50, false), step(4, 2)];
  const { next, passedOver } = planNextStep({ ...common, steps, afterStepNumber: 1 });
  expect(passedOver.map((passed) => passed.stepNumber)).toEqual([2, 3]);
  expect(next).toMatchObject({ stepNumber: 4, dueAt: new Date("2026-11-22T03:00:00Z") });
});

test("when only inactive steps are left, they are passed over and the sequence is over", () => {
  const { next, passedOver } = planNextStep({ ...common, steps: [step(1, 0), step(2, 1, false)], afterStepNumber: 1 });
  expect(next).toBeNull();
  expect(passedOver.map((passed) => passed.stepId)).toEqual(["s2"]);
});

test("steps may come in any order and may have gaps in their numbers", () => {
  const { next } = planNextStep({ ...common, steps: [step(30, 1), step(10, 0), step(20, 1)], afterStepNumber: 10 });
  expect(next?.stepNumber).toBe(20);
});

test("a step that is due at the weekend waits for Monday, with a sentence that says so", () => {
  const { next } = planNextStep({
    ...common,
    schedule: BUSINESS_HOURS,
    zone: { zone: "Asia/Bangkok", source: "schedule" } as const,
    steps: [step(1, 0), step(2, 1)],
    afterStepNumber: 1,
  });
  expect(next?.dueAt).toEqual(new Date("2026-11-21T03:00:00Z"));
  expect(next?.scheduledFor.getTime()).toBeGreaterThanOrEqual(new Date("2026-11-23T02:00:00Z").getTime());
  expect(next?.deferral).toContain("Saturday 10:00 in Asia/Bangkok");
});

test("a time zone that this machine does not know keeps the step without a timer instead of failing", () => {
  const { next } = planNextStep({
    ...common,
    zone: { zone: "Mars/Olympus_Mons", source: "schedule" } as const,
    steps: [step(1, 1)],
    afterStepNumber: 0,
  });
  expect(next).toMatchObject({ isHeld: true, stepNumber: 1 });
});

test("a schedule that never opens keeps the step without a timer", () => {
  const schedule = { ...BUSINESS_HOURS, windows: [] };
  const { next } = planNextStep({ ...common, schedule, steps: [step(1, 1)], afterStepNumber: 0 });
  expect(next).toMatchObject({ isHeld: true });
});
