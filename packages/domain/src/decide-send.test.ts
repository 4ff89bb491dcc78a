import { describe, expect, test } from "vitest";
import { decideSend, type SendFacts } from "./decide-send.ts";
import { ALWAYS_OPEN, BUSINESS_HOURS, type Schedule } from "./schedule.ts";

/** Wednesday 10:00 in Bangkok. */
const now = new Date("2026-11-25T03:00:00Z");

const ready: SendFacts = {
  execution: {
    id: "e1",
    status: "scheduled",
    generation: 4,
    dueAt: now,
    scheduledFor: now,
    stepNumber: 2,
    stepKey: "k2",
    attemptCount: 0,
  },
  step: { isActive: true, maxLateness: null, latePolicy: "send" },
  enrollment: { id: "n1", status: "active" },
  sequence: { status: "active" },
  schedule: BUSINESS_HOURS,
  contact: { timezone: null, optedOutAt: null, isSuppressed: false },
  company: null,
};

const delivered = { kind: "deliver", zone: { zone: "Asia/Bangkok", source: "schedule" }, isOverdue: false };

test("a due execution inside the window is delivered", () => {
  expect(decideSend(ready, 4, now)).toEqual(delivered);
});

test.each(["pending", "sending", "sent", "failed", "in_doubt", "skipped"] as const)(
  "a wake-up for an execution that is %s does nothing",
  (status) => {
    expect(decideSend({ ...ready, execution: { ...ready.execution, status } }, 4, now).kind).toBe("stale");
  },
);

test("a wake-up of another generation does nothing", () => {
  expect(decideSend(ready, 3, now).kind).toBe("stale");
  expect(decideSend(ready, 5, now).kind).toBe("stale");
});

test("a wake-up before its time comes back at the row's time and writes nothing", () => {
  const later = new Date(now.getTime() + 60_000);
  const facts = { ...ready, execution: { ...ready.execution, scheduledFor: later } };
  expect(decideSend(facts, 4, now)).toEqual({ kind: "early", at: later });
});

describe("nothing is sent, ever again, when", () => {
  test.each([
    ["enrollment_ended", { enrollment: { id: "n1", status: "cancelled" } }],
    ["enrollment_ended", { enrollment: { id: "n1", status: "unsubscribed" } }],
    ["enrollment_ended", { enrollment: { id: "n1", status: "completed" } }],
    ["sequence_archived", { sequence: { status: "archived" } }],
    ["contact_opted_out", { contact: { ...ready.contact, optedOutAt: now } }],
    ["address_suppressed", { contact: { ...ready.contact, isSuppressed: true } }],
  ] as const)("%s", (reason, change) => {
    expect(decideSend({ ...ready, ...change }, 4, now)).toMatchObject({ kind: "stop", reason });
  });
});

const neverOpen: Schedule = { ...BUSINESS_HOURS, windows: [] };

test.each([
  ["enrollment_paused", { enrollment: { id: "n1", status: "paused" } }],
  ["sequence_paused", { sequence: { status: "paused" } }],
  ["window_never_opens", { schedule: neverOpen }],
  ["unknown_time_zone", { schedule: { ...BUSINESS_HOURS, timezone: "Mars/Olympus_Mons" } }],
] as const)("%s holds the execution, even if its job already fired", (reason, change) => {
  expect(decideSend({ ...ready, ...change }, 4, now)).toMatchObject({ kind: "hold", reason });
});

test("consent is looked at before a pause: an opted-out contact is not kept waiting for a resume", () => {
  const facts = {
    ...ready,
    sequence: { status: "paused" as const },
    contact: { ...ready.contact, optedOutAt: now },
  };
  expect(decideSend(facts, 4, now)).toMatchObject({ kind: "stop", reason: "contact_opted_out" });
});

test("an inactive step is passed over", () => {
  expect(decideSend({ ...ready, step: { ...ready.step, isActive: false } }, 4, now)).toMatchObject({ kind: "skip" });
});

describe("a job that fires outside the window", () => {
  const sundayEvening = new Date("2026-11-22T14:14:00Z");
  const facts = { ...ready, execution: { ...ready.execution, dueAt: sundayEvening, scheduledFor: sundayEvening } };

  test("is deferred into the next one, with a sentence", () => {
    const decision = decideSend(facts, 4, sundayEvening);
    expect(decision.kind).toBe("defer");
    if (decision.kind !== "defer") return;
    expect(decision.at.getTime()).toBeGreaterThanOrEqual(new Date("2026-11-23T02:00:00Z").getTime());
    expect(decision.at.getTime()).toBeLessThan(new Date("2026-11-23T02:15:00Z").getTime());
    expect(decision.message).toContain("Sunday 21:14 in Asia/Bangkok");
  });

  test("is deferred to the same moment whoever decides, however often", () => {
    expect(decideSend(facts, 4, sundayEvening)).toEqual(decideSend(facts, 4, sundayEvening));
  });

  test("goes out at once when the schedule was opened meanwhile", () => {
    expect(decideSend({ ...facts, schedule: ALWAYS_OPEN }, 4, sundayEvening)).toMatchObject({ kind: "deliver" });
  });

  test("follows the contact's own zone where the schedule says so", () => {
    const schedule = { ...BUSINESS_HOURS, usesContactTimezone: true };
    const contact = { ...ready.contact, timezone: "America/New_York" };
    // Wednesday 10:00 in Bangkok is Tuesday 22:00 in New York.
    expect(decideSend({ ...ready, schedule, contact }, 4, now).kind).toBe("defer");
  });
});
