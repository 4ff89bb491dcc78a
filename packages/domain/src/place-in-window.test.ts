import { describe, expect, test } from "vitest";
import type { SendFacts } from "./decide-send.ts";
import { decideSend } from "./decide-send.ts";
import { placeInWindow } from "./place-in-window.ts";
import { BUSINESS_HOURS, type Schedule } from "./schedule.ts";

const monday = new Date("2026-11-23T03:00:00Z"); // 10:00 in Bangkok
const saturday = new Date("2026-11-28T05:00:00Z");

function facts(schedule: Schedule, scheduledFor = monday): SendFacts {
  return {
    execution: {
      id: "x1",
      status: "scheduled",
      generation: 0,
      dueAt: scheduledFor,
      scheduledFor,
      stepNumber: 1,
      stepKey: "s1",
      attemptCount: 0,
      catchesUp: false,
    },
    step: { isActive: true, maxLateness: null, latePolicy: "send" },
    enrollment: { id: "e1", status: "active" },
    sequence: { status: "active" },
    schedule,
    contact: { timezone: null, optedOutAt: null, isSuppressed: false },
    company: null,
  };
}

describe("a moment that somebody asks for", () => {
  test("is kept, to the millisecond, if a window is open then", () => {
    expect(placeInWindow(facts(BUSINESS_HOURS), monday)).toEqual({ kind: "open", at: monday });
  });

  test("outside goes to the email's own place after the next opening, with the words for it", () => {
    const place = placeInWindow(facts(BUSINESS_HOURS), saturday);
    const opensAt = new Date("2026-11-30T02:00:00Z");
    expect(place).toMatchObject({ kind: "later", opensAt });
    const at = place.kind === "later" ? place.at : saturday;
    expect(at.getTime()).toBeGreaterThanOrEqual(opensAt.getTime());
    expect(at.getTime()).toBeLessThan(opensAt.getTime() + 15 * 60_000);
    expect(place).toMatchObject({ why: expect.stringMatching(/^Outside the sending window: Saturday 12:00.*\.$/) });
  });

  test.each([
    ["has no windows", { ...BUSINESS_HOURS, windows: [] }, /does not open/],
    ["is in a zone that nobody knows", { ...BUSINESS_HOURS, timezone: "Asia/Atlantis" }, /Asia\/Atlantis/],
  ])("under a schedule that %s has no place", (_, schedule, why) => {
    const expected = { kind: "never", why: expect.stringMatching(why) };
    expect(placeInWindow(facts(schedule), monday)).toEqual(expected);
  });

  test("has a place at which the worker then lets it out", () => {
    for (let hour = 0; hour < 24 * 7; hour += 1) {
      const place = placeInWindow(facts(BUSINESS_HOURS), new Date(monday.getTime() + hour * 3_600_000));
      if (place.kind === "never") throw new Error("no place");
      expect(decideSend(facts(BUSINESS_HOURS, place.at), 0, place.at).kind).toBe("deliver");
    }
  });
});
