import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { SendFacts } from "./decide-send.ts";
import { REAL_PACE } from "./delay.ts";
import { ALWAYS_OPEN, BUSINESS_HOURS, type Schedule } from "./schedule.ts";
import {
  deferOverLimit,
  type EmailLimits,
  followingDays,
  limitReached,
  limitsOfEmail,
  NO_LIMITS,
  type OverLimit,
  RATE_WAIT_MAX_MILLISECONDS,
  type ThrottleState,
} from "./throttle.ts";
import { isOpen } from "./window.ts";

/** Wednesday 10:00 in Bangkok. */
const now = new Date("2026-11-25T03:00:00Z");
const zone = { zone: "Asia/Bangkok", source: "schedule" } as const;

function factsWith(schedule: Schedule, enrollmentId = "n1"): SendFacts {
  return {
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
    enrollment: { id: enrollmentId, status: "active" },
    sequence: { status: "active" },
    schedule,
    contact: { timezone: null, optedOutAt: null, isSuppressed: false },
    company: null,
  };
}

describe("which limits an email has to keep to:", () => {
  const facts = { schedule: BUSINESS_HOURS, sequence: { sendsPerDayMax: null } };
  const onTime = { isOverdue: false };
  const overdue = { isOverdue: true };

  const none = {
    day: "2026-11-25",
    sequencePerDayMax: null,
    senderPerDayMax: null,
    gap: null,
    perSecondMax: null,
  };

  test("none, if nobody set one", () => {
    expect(limitsOfEmail(facts, overdue, NO_LIMITS, now, REAL_PACE)).toEqual(none);
  });

  test.each([
    ["the sequence's", { ...facts, sequence: { sendsPerDayMax: 5 } }, NO_LIMITS, { sequencePerDayMax: 5 }],
    ["the sender's", facts, { ...NO_LIMITS, senderPerDayMax: 5 }, { senderPerDayMax: 5 }],
    ["the rate", facts, { ...NO_LIMITS, perSecondMax: 0.5 }, { perSecondMax: 0.5 }],
  ])("%s, alone", (_, these, limits, limited) => {
    expect(limitsOfEmail(these, onTime, limits, now, REAL_PACE)).toEqual({ ...none, ...limited });
  });

  test.each([
    ["an email on time keeps no gap of overdue ones", onTime, 0, 60, null],
    ["an overdue one does", overdue, 0, 60, { milliseconds: 3_600_000, reason: "one_overdue_at_a_time" }],
    ["every email keeps the contact's gap", onTime, 5, 60, { milliseconds: 300_000, reason: "contact_gap" }],
    ["an overdue one the longer of both", overdue, 5, 60, { milliseconds: 3_600_000, reason: "one_overdue_at_a_time" }],
    ["whichever that is", overdue, 240, 60, { milliseconds: 14_400_000, reason: "contact_gap" }],
    ["zero minutes are no gap", overdue, 0, 0, null],
  ] as const)("%s", (_, decision, contactGapMinutes, overdueGapMinutes, gap) => {
    const limits = { ...NO_LIMITS, contactGapMinutes, overdueGapMinutes };
    expect(limitsOfEmail(facts, decision, limits, now, REAL_PACE).gap).toEqual(gap);
  });

  test("gaps shrink with the pace", () => {
    const limits = { ...NO_LIMITS, contactGapMinutes: 1_440 };
    expect(limitsOfEmail(facts, onTime, limits, now, { dayMilliseconds: 5_000 }).gap?.milliseconds).toBe(5_000);
  });

  test.each([
    ["2026-11-25T16:59:59.999Z", "2026-11-25"],
    ["2026-11-25T17:00:00Z", "2026-11-26"],
  ])("at %s an email of a schedule in Bangkok counts for %s, whatever the contact's zone", (at, day) => {
    const abroad = { ...facts, schedule: { ...BUSINESS_HOURS, usesContactTimezone: true } };
    expect(limitsOfEmail(abroad, onTime, NO_LIMITS, new Date(at), REAL_PACE).day).toBe(day);
  });
});

describe("the limit that is reached:", () => {
  const limits: EmailLimits = {
    day: "2026-11-25",
    sequencePerDayMax: 10,
    senderPerDayMax: 20,
    gap: { milliseconds: 60_000, reason: "contact_gap" },
    perSecondMax: 2,
  };
  const free: ThrottleState = {
    sequenceDay: { used: 9, max: 10, day: "2026-11-25" },
    senderDay: { used: 19, max: 20, day: "2026-11-25" },
    contactGapUntil: now,
    rate: { perSecond: 2, nextAt: new Date(now.getTime() + RATE_WAIT_MAX_MILLISECONDS) },
  };
  const full: ThrottleState = {
    sequenceDay: { used: 10, max: 10, day: "2026-11-25" },
    senderDay: { used: 20, max: 20, day: "2026-11-25" },
    contactGapUntil: new Date(now.getTime() + 1),
    rate: { perSecond: 2, nextAt: new Date(now.getTime() + RATE_WAIT_MAX_MILLISECONDS + 1) },
  };
  const reached = (state: ThrottleState) => limitReached(state, limits, BUSINESS_HOURS, now);

  test("none, as long as one place is left under each", () => {
    expect(reached(free)).toBeNull();
    expect(reached({ sequenceDay: null, senderDay: null, contactGapUntil: null, rate: null })).toBeNull();
  });

  test.each([
    ["sequenceDay", { reason: "sequence_daily_limit", max: 10, day: "2026-11-25", nextDay: "2026-11-26" }],
    ["senderDay", { reason: "sender_daily_limit", max: 20, day: "2026-11-25", nextDay: "2026-11-26" }],
    ["contactGapUntil", { reason: "contact_gap", until: full.contactGapUntil }],
    ["rate", { reason: "send_rate", perSecond: 2, nextAt: full.rate?.nextAt }],
  ] as const)("%s", (name, over) => {
    expect(reached({ ...free, [name]: full[name] })).toEqual(over);
  });

  test("of several, the one that is asked first when places are taken", () => {
    expect(reached(full)?.reason).toBe("contact_gap");
  });
});

describe("the dates to come back on", () => {
  test("are those on which the schedule opens in its own zone", () => {
    // 2026-11-27 is a Friday.
    const schedule = { ...BUSINESS_HOURS, closedDates: ["2026-11-30"] };
    expect(followingDays(schedule, "2026-11-26", 3)).toEqual(["2026-11-27", "2026-12-01", "2026-12-02"]);
  });

  test("reach over a year end and a leap day", () => {
    expect(followingDays(ALWAYS_OPEN, "2027-12-31", 1)).toEqual(["2028-01-01"]);
    expect(followingDays(ALWAYS_OPEN, "2028-02-28", 1)).toEqual(["2028-02-29"]);
  });

  test("are never none", () => {
    expect(followingDays({ ...ALWAYS_OPEN, windows: [] }, "2026-11-26", 3)).toEqual(["2026-11-27"]);
  });
});

describe("an email over a limit", () => {
  const fullDay = (nextDay: string): OverLimit => ({
    reason: "sequence_daily_limit",
    max: 10,
    day: "2026-11-25",
    nextDay,
  });

  test("of a day goes out in that date's window, after its opening, with a sentence", () => {
    const decision = deferOverLimit(factsWith(BUSINESS_HOURS), zone, fullDay("2026-11-26"), now);
    expect(decision).toMatchObject({ kind: "defer", reason: "sequence_daily_limit" });
    const at = decision.kind === "defer" ? decision.at.getTime() : Number.NaN;
    const opensAt = Date.parse("2026-11-26T02:00:00Z");
    expect(at).toBeGreaterThanOrEqual(opensAt);
    expect(at).toBeLessThan(opensAt + 15 * 60_000);
    expect(decision.message).toMatch(
      /^The sequence's limit of 10 emails a day is reached for 2026-11-25 in Asia\/Bangkok\. Planned for Thursday 2026-11-26 09:\d\d:\d\d in Asia\/Bangkok\.$/,
    );
  });

  test("of a day is spread from midnight on where the window is open then", () => {
    const schedule = { ...ALWAYS_OPEN, timezone: "Asia/Bangkok", spreadMinutes: 60 };
    const midnight = Date.parse("2026-11-25T17:00:00Z");
    const moments = Array.from({ length: 50 }, (_, i) => {
      const facts = factsWith(schedule, `n${i}`);
      const decision = deferOverLimit(facts, zone, fullDay("2026-11-26"), now);
      return decision.kind === "defer" ? decision.at.getTime() - midnight : Number.NaN;
    });
    for (const moment of moments) {
      expect(moment).toBeGreaterThanOrEqual(0);
      expect(moment).toBeLessThan(3_600_000);
    }
    expect(new Set(moments).size).toBeGreaterThan(40);
  });

  test("of a gap goes out when the gap is over, if a window is open then", () => {
    const until = new Date(now.getTime() + 3_600_000);
    const over = { reason: "one_overdue_at_a_time", until } as const;
    expect(deferOverLimit(factsWith(BUSINESS_HOURS), zone, over, now)).toMatchObject({ kind: "defer", at: until });
  });

  test("of a gap that ends after closing time goes out after the next opening", () => {
    const over = { reason: "contact_gap", until: new Date("2026-11-25T10:00:00Z") } as const;
    const decision = deferOverLimit(factsWith({ ...BUSINESS_HOURS, spreadMinutes: 0 }), zone, over, now);
    expect(decision).toMatchObject({ at: new Date("2026-11-26T02:00:00Z"), reason: "contact_gap" });
  });

  test("of the rate comes back at its slot, told to the second", () => {
    const nextAt = new Date(now.getTime() + 90_000);
    const over = { reason: "send_rate", perSecond: 0.5, nextAt } as const;
    expect(deferOverLimit(factsWith(BUSINESS_HOURS), zone, over, now)).toEqual({
      kind: "defer",
      at: nextAt,
      reason: "send_rate",
      message:
        "The limit of 0.5 emails a second is used up for the moment. Planned for Wednesday 2026-11-25 10:01:30 in Asia/Bangkok.",
    });
  });

  test("is held with the reason if the schedule never opens again", () => {
    const facts = factsWith({ ...BUSINESS_HOURS, windows: [] });
    expect(deferOverLimit(facts, zone, fullDay("2026-11-26"), now)).toMatchObject({
      kind: "hold",
      reason: "window_never_opens",
    });
  });

  test("is always deferred into a window, never into the past, and to the same moment whenever asked", () => {
    const instant = fc.date({ min: new Date("2020-01-01"), max: new Date("2035-01-01"), noInvalidDate: true });
    const over = fc.oneof(
      instant.map((until): OverLimit => ({ reason: "contact_gap", until })),
      instant.map((nextAt): OverLimit => ({ reason: "send_rate", perSecond: 1, nextAt })),
      instant.map((at) => fullDay(at.toISOString().slice(0, 10))),
    );
    const zones = fc.constantFrom("Asia/Bangkok", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "UTC");
    const schedules = fc.constantFrom<Schedule>(
      BUSINESS_HOURS,
      { ...ALWAYS_OPEN, spreadMinutes: 1_440 },
      { ...BUSINESS_HOURS, windows: [{ weekday: 7, start: "23:30", end: "00:30" }], spreadMinutes: 600 },
    );
    fc.assert(
      fc.property(over, zones, zones, schedules, instant, (reached, own, home, base, at) => {
        const schedule = { ...base, timezone: home };
        const ask = () => deferOverLimit(factsWith(schedule), { zone: own, source: "contact" }, reached, at);
        const decision = ask();
        expect(decision.kind).toBe("defer");
        if (decision.kind !== "defer") return;
        expect(isOpen(schedule, own, decision.at)).toBe(true);
        expect(decision.at.getTime()).toBeGreaterThanOrEqual(at.getTime());
        expect(ask()).toEqual(decision);
      }),
    );
  });
});
