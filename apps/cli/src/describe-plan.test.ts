import type { PersonPlan, SendInPlan } from "@dripline/engine/plan-sends";
import { expect, test } from "vitest";
import { describePlan } from "./describe-plan.ts";

const at = new Date("2026-11-23T02:00:00Z"); // Monday 09:00 in Bangkok

const send: SendInPlan = {
  stepNumber: 1,
  stepName: "Welcome",
  status: null,
  dueAt: at,
  scheduledFor: at,
  localTime: "2026-11-23T09:00:00",
  timezone: "Asia/Bangkok",
  timezoneSource: "contact",
  earliestAt: at,
  latestAt: at,
  shifts: [],
  isHeld: false,
};

const plan: PersonPlan = {
  email: "ada@example.com",
  contactId: null,
  basis: "hypothetical",
  obstacle: null,
  sends: [send],
  passedOver: [],
};

test("a send is told with weekday, local date and time, the zone and whose it is", () => {
  expect(describePlan(plan)).toBe(
    "ada@example.com (as if enrolled now)\n  1 Welcome  planned  Mon 2026-11-23 09:00  Asia/Bangkok (contact's)",
  );
});

test("where the spread decides, the range is told, and why it was moved", () => {
  const moved = { ...send, latestAt: new Date("2026-11-23T02:14:59.999Z"), shifts: ["outside the window", "and more"] };
  expect(describePlan({ ...plan, sends: [moved] })).toMatch(
    /Mon 2026-11-23 09:00 to 09:14 {2}Asia\/Bangkok \(contact's\) {2}outside the window; and more$/,
  );
});

test("a range over midnight has both dates", () => {
  const moved = { ...send, latestAt: new Date("2026-11-23T17:10:00Z") };
  expect(describePlan({ ...plan, sends: [moved] })).toContain("Mon 2026-11-23 09:00 to Tue 2026-11-24 00:10");
});

test("whoever is enrolled is told with the state of the step that is open, and what stands in the way", () => {
  const text = describePlan({
    ...plan,
    basis: "enrolled",
    obstacle: { code: "enrollment_paused", message: "The enrollment is paused." },
    sends: [{ ...send, status: "pending" }],
  });
  expect(text).toContain("(enrolled, from where they stand)\n  ! The enrollment is paused.\n");
  expect(text).toContain("1 Welcome  pending");
});

test("steps that are passed over stand in their places", () => {
  const passed = { stepNumber: 2, stepName: "Off", passedAt: at };
  const last = { ...send, stepNumber: 3, stepName: "Bye" };
  const lines = describePlan({ ...plan, sends: [send, last], passedOver: [passed] }).split("\n");
  expect(lines.slice(1)).toEqual([
    expect.stringMatching(/1 Welcome +planned/),
    expect.stringMatching(/2 Off +passed over$/),
    expect.stringMatching(/3 Bye +planned/),
  ]);
});

test("what has no date says so, and so does a plan with nothing in it", () => {
  expect(describePlan({ ...plan, sends: [{ ...send, isHeld: true }] })).toContain("no date");
  expect(describePlan({ ...plan, sends: [{ ...send, isHeld: true, timezone: "Mars/Base" }] })).toContain("no date");
  expect(describePlan({ ...plan, sends: [] })).toContain("Nothing is to be sent.");
});

test("what could move the cursor does not get to the terminal", () => {
  expect(describePlan({ ...plan, sends: [{ ...send, stepName: "Hi\u001b[2J" }] })).toContain("1 Hi [2J");
});
