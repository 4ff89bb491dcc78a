import { expect, test } from "vitest";
import { backoffGates } from "./backoff-gates.ts";
import type { SendFacts } from "./decide-send.ts";
import { REAL_PACE } from "./delay.ts";
import {
  type BackoffReason,
  backoffJitter,
  backoffScope,
  backoffSteps,
  type DeliveryBackoff,
  deferUnderBackoff,
  domainOf,
  domainScope,
} from "./delivery-backoff.ts";
import { BUSINESS_HOURS, type Schedule } from "./schedule.ts";

/** Wednesday 10:00 in Bangkok. */
const now = new Date("2026-11-25T03:00:00Z");
const minutes = (count: number) => new Date(now.getTime() + count * 60_000);
const zone = { zone: "Asia/Bangkok", source: "schedule" } as const;

function facts(schedule: Schedule = BUSINESS_HOURS): SendFacts {
  return {
    execution: {
      id: "e1",
      status: "scheduled",
      generation: 0,
      dueAt: now,
      scheduledFor: now,
      stepNumber: 1,
      stepKey: "k1",
      attemptCount: 0,
      catchesUp: false,
    },
    step: { isActive: true, maxLateness: null, latePolicy: "send" },
    enrollment: { id: "n1", status: "active" },
    sequence: { status: "active" },
    schedule,
    contact: { timezone: null, optedOutAt: null, isSuppressed: false },
    company: null,
  };
}

const transport: DeliveryBackoff = {
  scope: "transport",
  reason: "transport_unusable",
  message: "The mail server cannot be used (authentication): 535 5.7.8 wrong password",
  since: minutes(-5),
  nextAt: minutes(2),
  intervalSeconds: 240,
};
const domain: DeliveryBackoff = {
  ...transport,
  scope: "domain:example.com",
  reason: "domain_slowed",
  message: "421 no",
};

test.each<[BackoffReason, string, number, number]>([
  ["transport_unusable", "transport", 60, 1_800],
  ["sender_refused", "transport", 300, 14_400],
  ["transport_throttled", "transport", 10, 1_800],
  ["domain_slowed", "domain:example.com", 30, 3_600],
])("%s slows %s down, from %i s up to %i s", (reason, scope, firstSeconds, longestSeconds) => {
  expect(backoffScope(reason, "Ann@Example.com")).toBe(scope);
  expect(backoffSteps(reason, REAL_PACE)).toEqual({ firstSeconds, longestSeconds });
});

test("the steps shrink with the pace", () => {
  const hundredth = { dayMilliseconds: REAL_PACE.dayMilliseconds / 100 };
  expect(backoffSteps("sender_refused", hundredth)).toEqual({ firstSeconds: 3, longestSeconds: 144 });
});

test("the domain is what follows the last @, in lower case", () => {
  expect(domainOf('"a@b"@Example.COM')).toBe("example.com");
  expect(domainScope("Example.COM")).toBe("domain:example.com");
});

test("the jitter depends on the seed alone and moves the next try by a tenth at most", () => {
  const factors = Array.from({ length: 200 }, (_, index) => backoffJitter(`transport:${index}`));
  expect(Math.min(...factors)).toBeGreaterThanOrEqual(0.9);
  expect(Math.max(...factors)).toBeLessThan(1.1);
  expect(Math.max(...factors) - Math.min(...factors)).toBeGreaterThan(0.15);
  expect(backoffJitter("transport:7")).toBe(factors[7]);
});

test("an email that waits is told what the server said, since when, and when it comes back itself", () => {
  expect(deferUnderBackoff(facts(), zone, transport, minutes(3))).toEqual({
    kind: "defer",
    at: minutes(3),
    reason: "transport_backoff",
    message:
      "Sending stands still but for one email at a time that tries whether it works again, since Wednesday 2026-11-25 09:55 in Asia/Bangkok. The mail server cannot be used (authentication): 535 5.7.8 wrong password. Planned for Wednesday 2026-11-25 10:03:00 in Asia/Bangkok.",
  });
  expect(deferUnderBackoff(facts(), zone, domain, minutes(3))).toMatchObject({
    reason: "domain_backoff",
    message: expect.stringMatching(/^Emails to example\.com leave one at a time, since /),
  });
});

test("it comes back inside a window, spread as after any opening", () => {
  const answer = deferUnderBackoff(facts(), zone, { ...transport, nextAt: minutes(600) }, minutes(600));
  if (answer.kind !== "defer") throw new Error("there is a window on the next day");
  // Thursday 09:00 in Bangkok.
  const opening = Date.parse("2026-11-26T02:00:00Z");
  expect(answer.at.getTime()).toBeGreaterThanOrEqual(opening);
  expect(answer.at.getTime()).toBeLessThan(opening + BUSINESS_HOURS.spreadMinutes * 60_000);
});

test("if no window ever opens it is held, with that reason", () => {
  const closed = { ...BUSINESS_HOURS, windows: [] };
  expect(deferUnderBackoff(facts(closed), zone, transport, minutes(3))).toMatchObject({
    kind: "hold",
    reason: "window_never_opens",
  });
});

test("a gate is closed until the next try may be made, and says what the server said either way", () => {
  const [closed, open] = backoffGates(facts(), now, [transport]);
  expect(closed).toMatchObject({ name: "transport", decision: { kind: "defer", at: transport.nextAt } });
  expect(closed?.describe().sentence).toMatch(/535 5\.7\.8 .* The next one may try at Wednesday 2026-11-25 10:02/);
  expect(open).toMatchObject({ name: "recipient_domain", decision: null });
  expect(open?.describe()).toMatchObject({ data: { backoff: null } });

  const [itsTurn, ofDomain] = backoffGates(facts(), minutes(2), [transport, domain]);
  expect([itsTurn?.decision, ofDomain?.decision]).toEqual([null, null]);
  expect(itsTurn?.describe().sentence).toContain("535 5.7.8");
});
