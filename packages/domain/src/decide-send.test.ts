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
    catchesUp: false,
  },
  step: { isActive: true, maxLateness: null, latePolicy: "send" },
  enrollment: { id: "n1", status: "active" },
  sequence: { status: "active" },
  schedule: BUSINESS_HOURS,
  contact: { timezone: null, optedOutAt: null, isSuppressed: false },
  company: null,
};

const delivered = {
  kind: "deliver",
  zone: { zone: "Asia/Bangkok", source: "schedule" },
  openUntil: new Date("2026-11-25T10:00:00Z"),
  isOverdue: false,
};

test("a due execution inside the window is delivered", () => {
  expect(decideSend(ready, 4, now)).toEqual(delivered);
});

test("an email in doubt that is sent again goes out although its enrollment has gone on to its end", () => {
  const again = { ...ready, execution: { ...ready.execution, hasAdvanced: true } };
  expect(decideSend({ ...again, enrollment: { id: "n1", status: "completed" } }, 4, now)).toEqual(delivered);
  expect(decideSend({ ...again, enrollment: { id: "n1", status: "cancelled" } }, 4, now).kind).toBe("stop");
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

describe("lateness", () => {
  const limit = { value: 4, unit: "hours" } as const;
  const hours = (count: number) => new Date(now.getTime() + count * 3_600_000);
  const late = (
    dueAt: Date,
    step: Partial<SendFacts["step"]>,
    schedule: Schedule = { ...BUSINESS_HOURS, spreadMinutes: 0 },
  ): SendFacts => ({
    ...ready,
    execution: { ...ready.execution, dueAt },
    step: { ...ready.step, maxLateness: limit, ...step },
    schedule,
  });
  /** Tuesday 10:00: an outage of a day. */
  const yesterday = hours(-24);

  test.each([
    ["send", { kind: "deliver" }],
    ["skip", { kind: "skip", reason: "too_late" }],
    ["hold", { kind: "hold", reason: "too_late" }],
  ] as const)("an email that is later than its limit: %s", (latePolicy, decision) => {
    expect(decideSend(late(yesterday, { latePolicy }), 4, now)).toMatchObject(decision);
  });

  test("the sentence names the limit and the due time on the wall clock", () => {
    expect(decideSend(late(yesterday, { latePolicy: "skip" }), 4, now)).toMatchObject({
      message: "It is more than 4 hours late: it was due at Tuesday 2026-11-24 10:00 in Asia/Bangkok.",
    });
  });

  test("an email without a limit is never too late", () => {
    const facts = late(hours(-24 * 365), { maxLateness: null, latePolicy: "skip" });
    expect(decideSend(facts, 4, now).kind).toBe("deliver");
  });

  test("at its limit it still goes out, a millisecond later it does not", () => {
    const facts = late(hours(-4), { latePolicy: "skip" }, ALWAYS_OPEN);
    expect(decideSend(facts, 4, now).kind).toBe("deliver");
    expect(decideSend(facts, 4, new Date(now.getTime() + 1)).kind).toBe("skip");
  });

  test("a limit shrinks with the pace: four hours are four twenty-fourths of a day", () => {
    const pace = { dayMilliseconds: 24_000 };
    const due = (seconds: number) =>
      late(new Date(now.getTime() - seconds * 1_000), { latePolicy: "skip" }, ALWAYS_OPEN);
    expect(decideSend(due(4), 4, now, pace).kind).toBe("deliver");
    expect(decideSend(due(5), 4, now, pace).kind).toBe("skip");
  });

  /** Monday 09:00 in Bangkok, the first opening after the weekend. */
  const mondayMorning = new Date("2026-11-23T02:00:00Z");
  const closed = { ...BUSINESS_HOURS, spreadMinutes: 0, closedDates: ["2026-11-20"] };
  const withHolidays = { ...closed, closedDates: [], holidays: { country: "TH", region: null } };
  test.each([
    ["a night", new Date("2026-11-24T11:00:00Z"), BUSINESS_HOURS, new Date("2026-11-25T02:15:00Z")],
    ["a weekend", new Date("2026-11-21T03:00:00Z"), BUSINESS_HOURS, new Date("2026-11-23T02:15:00Z")],
    ["a closed date before a weekend", new Date("2026-11-20T03:00:00Z"), closed, mondayMorning],
    ["New Year", new Date("2027-01-01T03:00:00Z"), withHolidays, new Date("2027-01-04T02:00:00Z")],
  ])("%s is not lateness", (_, dueAt, schedule, at) => {
    const facts = late(dueAt, { latePolicy: "skip" }, schedule);
    const scheduled = { ...facts, execution: { ...facts.execution, scheduledFor: at } };
    expect(decideSend(scheduled, 4, at)).toMatchObject({ kind: "deliver", isOverdue: false });
  });

  test("open hours that passed over it are: from the opening that it missed, not from its due time", () => {
    const dueOnSaturday = late(new Date("2026-11-21T03:00:00Z"), { latePolicy: "skip" });
    const atHours = (count: number) => new Date(mondayMorning.getTime() + count * 3_600_000);
    const decidedAt = (at: Date) =>
      decideSend({ ...dueOnSaturday, execution: { ...dueOnSaturday.execution, scheduledFor: at } }, 4, at).kind;
    expect(decidedAt(atHours(4))).toBe("deliver");
    expect(decidedAt(atHours(5))).toBe("skip");
  });

  test.each([
    [0, false],
    [15, false],
    [16, true],
    [24 * 60, true],
  ])("an email that is %i minutes behind its plan is part of a backlog: %s", (minutes, isOverdue) => {
    const facts = late(new Date(now.getTime() - minutes * 60_000), { maxLateness: null }, ALWAYS_OPEN);
    expect(decideSend(facts, 4, now)).toMatchObject({ kind: "deliver", isOverdue });
  });

  test("an email that was due already when a pause ended is part of a backlog, but not late", () => {
    const facts = late(now, { maxLateness: { value: 1, unit: "hours" }, latePolicy: "skip" }, ALWAYS_OPEN);
    const caughtUp = { ...facts, execution: { ...facts.execution, catchesUp: true } };
    expect(decideSend(caughtUp, 4, now)).toMatchObject({ kind: "deliver", isOverdue: true });
  });

  test("somebody who opted out is not held for lateness", () => {
    const facts = { ...late(yesterday, { latePolicy: "hold" }), contact: { ...ready.contact, optedOutAt: now } };
    expect(decideSend(facts, 4, now)).toMatchObject({ kind: "stop" });
  });
});
