import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decideSend, type SendDecision } from "./decide-send.ts";
import { REAL_PACE } from "./delay.ts";
import { type ExplainedGate, type ExplainFacts, explainSend } from "./explain-send.ts";
import { type GateName, gateNames } from "./gate.ts";
import { ALWAYS_OPEN, BUSINESS_HOURS, type Schedule } from "./schedule.ts";
import type { EmailLimits, ThrottleState } from "./throttle.ts";

/** Wednesday 10:00 in Bangkok. */
const now = new Date("2026-11-25T03:00:00Z");
const hours = (count: number) => new Date(now.getTime() + count * 3_600_000);

const ready: ExplainFacts = {
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
  record: {
    countsFrom: hours(-72),
    holdReason: null,
    heldAt: null,
    phase: null,
    leaseUntil: null,
    sentAt: null,
    messageId: null,
    errorMessage: null,
    resumeAt: null,
    inDoubtPolicy: "advance",
    sequenceId: "s1",
    lastEvent: null,
  },
};

const execution = (values: Partial<ExplainFacts["execution"]>) => ({
  ...ready,
  execution: { ...ready.execution, ...values },
});
const schedule = (values: Partial<ExplainFacts["schedule"]>) => ({
  ...ready,
  schedule: { ...BUSINESS_HOURS, ...values },
});

function gateOf<N extends GateName>(facts: ExplainFacts, name: N, at = now): Extract<ExplainedGate, { name: N }> {
  return explainSend(facts, at).gates.find((gate) => gate.name === name) as Extract<ExplainedGate, { name: N }>;
}

test("all gates are told, in the order in which an operator would ask, although a decision stops at the first", () => {
  const { gates } = explainSend({ ...ready, sequence: { status: "archived" } }, now);
  expect(gates.map((gate) => gate.name)).toEqual(gateNames);
  expect(gates.filter((gate) => !gate.passed).map((gate) => gate.name)).toEqual(["sequence"]);
});

const sunday = new Date("2026-11-22T03:00:00Z");
const due = (at: Date) => ({ ...ready.execution, dueAt: at, scheduledFor: at });
const overnight = BUSINESS_HOURS.windows.map(({ weekday }) => ({ weekday, start: "20:00", end: "12:00" }));
const thailand = { country: "TH", region: null };
/** Friday 10:00 in Bangkok. */
const newYear = new Date("2027-01-01T03:00:00Z");

describe("each gate both ways", () => {
  test.each<[GateName, string, ExplainFacts, ExplainFacts, Date?]>([
    ["sequence", "paused", ready, { ...ready, sequence: { status: "paused" } }],
    ["sequence", "archived", ready, { ...ready, sequence: { status: "archived" } }],
    ["enrollment", "paused", ready, { ...ready, enrollment: { id: "n1", status: "paused" } }],
    ["enrollment", "cancelled", ready, { ...ready, enrollment: { id: "n1", status: "cancelled" } }],
    ["consent", "opted out", ready, { ...ready, contact: { ...ready.contact, optedOutAt: now } }],
    ["suppression", "suppressed", ready, { ...ready, contact: { ...ready.contact, isSuppressed: true } }],
    ["step", "inactive", ready, { ...ready, step: { ...ready.step, isActive: false } }],
    ["step", "deleted", ready, { ...ready, step: { ...ready.step, isDeleted: true } }],
    ["delay", "not over", ready, execution({ dueAt: hours(1), scheduledFor: hours(1) })],
    [
      "lateness",
      "over the limit, to be held",
      { ...ready, step: { ...ready.step, maxLateness: { value: 4, unit: "hours" }, latePolicy: "hold" } },
      {
        ...ready,
        execution: { ...ready.execution, dueAt: hours(-25) },
        step: { ...ready.step, maxLateness: { value: 4, unit: "hours" }, latePolicy: "hold" },
      },
    ],
    [
      "window",
      "Sunday",
      { ...ready, schedule: ALWAYS_OPEN, execution: due(sunday) },
      { ...ready, execution: due(sunday) },
      sunday,
    ],
    ["window", "never open", ready, schedule({ windows: [] })],
    ["window", "an unknown zone", ready, schedule({ timezone: "Mars/Olympus_Mons" })],
    ["holiday", "a closed date", schedule({ closedDates: ["2026-11-26"] }), schedule({ closedDates: ["2026-11-25"] })],
    [
      "holiday",
      "a public holiday",
      { ...schedule({}), execution: due(newYear) },
      { ...schedule({ holidays: thailand }), execution: due(newYear) },
      newYear,
    ],
    ["attempts", "used up", execution({ attemptCount: 2 }), execution({ status: "failed", attemptCount: 3 })],
  ])("%s: %s", (name, _, open, closed, at = now) => {
    const passes = gateOf(open, name, at);
    expect(passes).toMatchObject({ passed: true, instead: null });
    const stops = gateOf(closed, name, at);
    expect(stops.passed).toBe(false);
    expect(stops.sentence).toMatch(/^[A-Z0-9].*\.$/);
    expect(stops.sentence).not.toBe(passes.sentence);
  });
});

describe("what the gates looked at", () => {
  test("the window gate names the zone, whose it is, the wall clock, and when the window opens and closes", () => {
    const facts = {
      ...schedule({ usesContactTimezone: true }),
      contact: { ...ready.contact, timezone: "Europe/Berlin" },
      execution: due(new Date("2026-11-25T09:00:00Z")),
    };
    const gate = gateOf(facts, "window", new Date("2026-11-25T09:00:00Z"));
    expect(gate.data).toEqual({
      zone: "Europe/Berlin",
      zone_source: "contact",
      at: new Date("2026-11-25T09:00:00Z"),
      local_time: "Wednesday 2026-11-25 10:00",
      is_open: true,
      opens_at: new Date("2026-11-25T08:00:00Z"),
      closes_at: new Date("2026-11-25T16:00:00Z"),
    });
    expect(gate.sentence).toBe(
      "A sending window is open at Wednesday 2026-11-25 10:00 in Europe/Berlin, the contact's own zone; it closes at Wednesday 2026-11-25 17:00.",
    );
  });

  test("of an email that is planned for later, lateness, window and holiday are looked at for that moment", () => {
    const saturday = new Date("2026-11-28T03:00:00Z");
    const facts = { ...ready, execution: due(saturday) };
    const explanation = explainSend(facts, now);
    expect(explanation.judgedAt).toEqual(saturday);
    expect(explanation.decision).toMatchObject({ kind: "defer", reason: "outside_window" });
    expect(gateOf(facts, "window")).toMatchObject({
      passed: false,
      sentence: expect.stringMatching(
        /^At its planned moment: outside the sending window: Saturday 10:00 in Asia\/Bangkok;/,
      ),
    });
    expect(gateOf(facts, "holiday").data.date).toBe("2026-11-28");
    expect(gateOf(facts, "delay").sentence).toBe(
      "It is planned for Saturday 2026-11-28 10:00 in Asia/Bangkok. Its delay counts from Sunday 2026-11-22 10:00 in Asia/Bangkok and ends at Saturday 2026-11-28 10:00 in Asia/Bangkok.",
    );
    expect(gateOf(facts, "delay").data.counts_from).toEqual(ready.record.countsFrom);
  });

  test("the holiday gate names the holiday, and a window of the evening before still passes it", () => {
    const facts = { ...schedule({ holidays: thailand }), execution: due(newYear) };
    expect(gateOf(facts, "holiday", newYear)).toMatchObject({
      data: { date: "2027-01-01", kind: "holiday", holiday_name: expect.stringMatching(/New Year/) },
      sentence: expect.stringMatching(/^2027-01-01 is a public holiday, New Year/),
    });
    const still = gateOf(schedule({ windows: overnight, closedDates: ["2026-11-25"] }), "holiday");
    expect(still).toMatchObject({ passed: true, data: { kind: "closed_date" } });
    expect(still.sentence).toContain("the window of the evening before is still open");
  });

  test("special hours are named, and are no closure", () => {
    const facts = schedule({ specialHours: [{ date: "2026-11-25", windows: [{ start: "13:00", end: "14:00" }] }] });
    expect(gateOf(facts, "holiday")).toMatchObject({ passed: true, data: { kind: "special_hours" } });
    expect(gateOf(facts, "window").passed).toBe(false);
  });
});

const noLimits: EmailLimits = {
  day: "2026-11-25",
  sequencePerDayMax: null,
  senderPerDayMax: null,
  gap: null,
  perSecondMax: null,
};
const free: ThrottleState = { sequenceDay: null, senderDay: null, contactGapUntil: null, rate: null };
const limited = (facts: ExplainFacts, state: Partial<ThrottleState>) => {
  const gap = { milliseconds: 3_600_000, reason: "contact_gap" as const };
  const explanation = explainSend(facts, now, REAL_PACE, {
    limits: { ...noLimits, gap },
    state: { ...free, ...state },
  });
  return { ...explanation, throttle: explanation.gates.find(({ name }) => name === "throttle") };
};
const full = { used: 10, max: 10, day: "2026-11-25" };

describe("the throttle gate", () => {
  test("passes without limits, and says so", () => {
    expect(gateOf(ready, "throttle")).toMatchObject({ passed: true, sentence: "No limit keeps it back." });
  });

  test.each<[string, Partial<ThrottleState>, string, boolean]>([
    [
      "a day that is full",
      { sequenceDay: full },
      "10 of 10 emails of this sequence went out today (2026-11-25 in Asia/Bangkok).",
      false,
    ],
    [
      "a day with room",
      { sequenceDay: { ...full, used: 9 } },
      "9 of 10 emails of this sequence went out today (2026-11-25 in Asia/Bangkok).",
      true,
    ],
    [
      "a sender whose day is full",
      { senderDay: full },
      "10 of 10 emails of this sender went out today (2026-11-25 in Asia/Bangkok).",
      false,
    ],
    [
      "a contact who got an email shortly before",
      { contactGapUntil: hours(1) },
      "The contact got another email shortly before: the next one may go out at Wednesday 2026-11-25 11:00 in Asia/Bangkok.",
      false,
    ],
    ["a gap that is over", { contactGapUntil: hours(-1) }, "No limit keeps it back.", true],
    [
      "a rate that is used up",
      { rate: { perSecond: 2, nextAt: new Date(now.getTime() + 90_000) } },
      "At most 2 emails a second leave: the next one in 90 s.",
      false,
    ],
    [
      "a rate with room",
      { rate: { perSecond: 2, nextAt: now } },
      "At most 2 emails a second leave, and the next one may now.",
      true,
    ],
  ])("%s", (_, state, sentence, passed) => {
    const explanation = limited(ready, state);
    expect(explanation.throttle).toMatchObject({ passed, sentence });
    expect(explanation.decision?.kind).toBe(passed ? "deliver" : "defer");
    expect(explanation.nextTryAt !== null && explanation.nextTryAt > now).toBe(!passed);
  });

  test("a full day says nothing about an email that is planned for another, and everything about one for the same", () => {
    const tomorrow = { ...ready, execution: due(hours(24)) };
    expect(limited(tomorrow, { sequenceDay: full }).decision?.kind).toBe("deliver");
    const today = { ...ready, execution: due(hours(2)) };
    expect(limited(today, { sequenceDay: full }).decision).toMatchObject({ reason: "sequence_daily_limit" });
  });
});

describe("the summary says how it stands and what comes next", () => {
  const record = (values: Partial<ExplainFacts["record"]>) => ({ ...ready.record, ...values });
  const event = { at: hours(-1), message: "Step 2 is inactive.", actor: "worker" };
  const ended = (status: ExplainFacts["execution"]["status"], values: Partial<ExplainFacts["record"]>) => ({
    ...execution({ status }),
    record: record(values),
  });
  const doubt = (
    values: Partial<ExplainFacts["execution"]>,
    more: Partial<ExplainFacts["record"]> = {},
  ): ExplainFacts => ({
    ...execution({ status: "in_doubt", ...values }),
    record: record({ errorMessage: "No answer came.", messageId: "<a@b>", ...more }),
  });
  const howToSettle =
    "Look for its Message-ID <a@b> in the mail server's log. If it arrived: dripline settle e1 --sent. To send the same message again: dripline settle e1 --resend";
  test.each<[string, ExplainFacts, string]>([
    [
      "planned",
      { ...ready, execution: due(hours(24)) },
      "It goes out at Thursday 2026-11-26 10:00 in Asia/Bangkok, if nothing changes until then.",
    ],
    [
      "due",
      ready,
      "It is due since Wednesday 2026-11-25 10:00 in Asia/Bangkok and goes out as soon as a worker takes it.",
    ],
    [
      "due, but closed",
      { ...ready, sequence: { status: "paused" } },
      "It is due since Wednesday 2026-11-25 10:00 in Asia/Bangkok, but does not go out now: it is held. The sequence is paused.",
    ],
    [
      "held by a paused sequence",
      ended("pending", { holdReason: "sequence_paused", heldAt: hours(-2) }),
      "It is held since Wednesday 2026-11-25 08:00 in Asia/Bangkok: The sequence is paused. Resuming the sequence releases it: POST /api/v1/email-sequences/s1/resume/",
    ],
    [
      "held by a paused enrollment",
      ended("pending", { holdReason: "enrollment_paused", resumeAt: hours(24) }),
      "It is held: The enrollment is paused. It goes on by itself at Thursday 2026-11-26 10:00 in Asia/Bangkok. Resuming the enrollment releases it: POST /api/v1/sequence-enrollments/n1/resume/",
    ],
    [
      "held by its template",
      ended("pending", { holdReason: "missing_variable", errorMessage: "There is no company.name" }),
      "It is held: There is no company.name. Put that right, then: dripline retry e1",
    ],
    [
      "sending",
      ended("sending", { phase: "claimed", leaseUntil: hours(1) }),
      "A worker is sending it. Nothing has left this machine yet: if the worker died, it is tried again at Wednesday 2026-11-25 11:00 in Asia/Bangkok.",
    ],
    [
      "sent",
      ended("sent", { sentAt: hours(-1), messageId: "<a@b>" }),
      "It was sent at Wednesday 2026-11-25 09:00 in Asia/Bangkok, with the Message-ID <a@b>.",
    ],
    [
      "failed",
      ended("failed", { errorMessage: "550 no such user" }),
      "It failed: 550 no such user. Put that right, then: dripline retry e1",
    ],
    [
      "in doubt, and the sequence went on",
      doubt({ hasAdvanced: true }),
      `It may have arrived or not: No answer came. The sequence went on with the next step. ${howToSettle}`,
    ],
    [
      "in doubt, and the enrollment waits",
      doubt({}, { inDoubtPolicy: "hold" }),
      `It may have arrived or not: No answer came. The enrollment waits until somebody decides. ${howToSettle}`,
    ],
    [
      "in doubt after it was sent again as often as it may be",
      doubt({}, { inDoubtPolicy: "resend" }),
      `It may have arrived or not: No answer came. The policy \`resend\` does not send it again by itself any more. The enrollment waits until somebody decides. ${howToSettle}`,
    ],
    [
      "in doubt, and the enrollment was cancelled",
      { ...doubt({}), enrollment: { id: "n1", status: "cancelled" } as const },
      "It may have arrived or not: No answer came. The enrollment is cancelled. Look for its Message-ID <a@b> in the mail server's log. To close it: dripline settle e1 --sent. It cannot be sent again, because the enrollment is cancelled.",
    ],
    [
      "skipped",
      ended("skipped", { lastEvent: event }),
      "It was skipped at Wednesday 2026-11-25 09:00 in Asia/Bangkok, by worker, and will not be sent: Step 2 is inactive.",
    ],
  ])("%s", (_, facts, summary) => {
    expect(explainSend(facts, now).summary).toBe(summary);
  });

  test("only what has a timer has a next try", () => {
    expect(explainSend(ready, now).nextTryAt).toEqual(now);
    expect(explainSend({ ...ready, execution: due(hours(24)) }, now).nextTryAt).toEqual(hours(24));
    for (const status of ["pending", "sending", "sent", "failed", "in_doubt", "skipped"] as const) {
      expect(explainSend(execution({ status }), now)).toMatchObject({ nextTryAt: null, decision: null });
    }
  });
});

const gateOfReason: Record<string, GateName> = {
  sequence_archived: "sequence",
  sequence_paused: "sequence",
  enrollment_ended: "enrollment",
  enrollment_paused: "enrollment",
  contact_opted_out: "consent",
  address_suppressed: "suppression",
  step_inactive: "step",
  step_deleted: "step",
  too_late: "lateness",
  outside_window: "window",
  window_never_opens: "window",
  unknown_time_zone: "window",
};

const zones = fc.constantFrom("Asia/Bangkok", "Europe/Berlin", "America/New_York", "Mars/Olympus_Mons");
const offsets = fc
  .integer({ min: -10 * 24 * 60, max: 24 * 60 })
  .map((minutes) => new Date(now.getTime() + minutes * 60_000));
const mostly = <T>(value: T, ...others: T[]) =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: fc.constantFrom(...others) });

const anyFacts: fc.Arbitrary<ExplainFacts> = fc
  .record({
    dueAt: offsets,
    scheduledFor: offsets,
    attemptCount: fc.nat(5),
    isActive: mostly(true, false),
    isDeleted: mostly(false, true),
    maxLateness: fc.option(
      fc.record({ value: fc.nat(72), unit: fc.constantFrom("minutes" as const, "hours" as const) }),
    ),
    latePolicy: fc.constantFrom("send" as const, "skip" as const, "hold" as const),
    enrollment: mostly<ExplainFacts["enrollment"]["status"]>(
      "active",
      "paused",
      "completed",
      "cancelled",
      "unsubscribed",
    ),
    sequence: mostly<ExplainFacts["sequence"]["status"]>("active", "paused", "archived"),
    optedOutAt: mostly<Date | null>(null, now),
    isSuppressed: mostly(false, true),
    timezone: fc.option(zones),
    schedule: fc.record({
      timezone: zones,
      windows: fc.oneof<fc.MaybeWeightedArbitrary<Schedule["windows"]>[]>(
        { weight: 1, arbitrary: fc.constant([]) },
        { weight: 4, arbitrary: fc.constant([...BUSINESS_HOURS.windows]) },
        { weight: 3, arbitrary: fc.constant(overnight) },
      ),
      closedDates: fc.subarray(["2026-11-24", "2026-11-25", "2026-11-26"]),
      holidays: fc.constantFrom(null, thailand),
      specialHours: fc.constantFrom<Schedule["specialHours"]>(
        [],
        [{ date: "2026-11-25", windows: [{ start: "06:00", end: "12:00" }] }],
      ),
      usesContactTimezone: fc.boolean(),
      spreadMinutes: fc.constantFrom(0, 15),
    }),
  })
  .map(
    ({
      dueAt,
      scheduledFor,
      attemptCount,
      isActive,
      isDeleted,
      maxLateness,
      latePolicy,
      optedOutAt,
      isSuppressed,
      timezone,
      ...rest
    }) => ({
      ...ready,
      execution: { ...ready.execution, dueAt, scheduledFor, attemptCount },
      step: { isActive, isDeleted, maxLateness, latePolicy },
      enrollment: { id: "n1", status: rest.enrollment },
      sequence: { status: rest.sequence },
      schedule: rest.schedule,
      contact: { timezone, optedOutAt, isSuppressed },
    }),
  );

describe("the explanation is what the worker does", () => {
  const seen: Record<string, number> = {};

  test("the first closed gate, a stop before any other, is the decision; all are open exactly if the email goes out", () => {
    fc.assert(
      fc.property(anyFacts, (facts) => {
        const decision = decideSend(facts, 4, now);
        const closed = explainSend(facts, now).gates.filter((gate) => !gate.passed);
        const first = closed.find((gate) => gate.instead === "stop") ?? closed[0];
        seen[decision.kind] = (seen[decision.kind] ?? 0) + 1;

        expect(closed.length === 0).toBe(decision.kind === "deliver");
        expect(first?.instead ?? "deliver").toBe(decision.kind);
        expect(first?.name).toBe(expectedGate(decision));
      }),
      { numRuns: 1_000 },
    );
    expect(Object.keys(seen).sort()).toEqual(["defer", "deliver", "early", "hold", "skip", "stop"]);
  });

  test("what it says about the planned moment is what is decided then", () => {
    fc.assert(
      fc.property(anyFacts, (facts) => {
        const { decision, judgedAt, nextTryAt } = explainSend(facts, now);
        expect(decision).toEqual(decideSend(facts, 4, judgedAt));
        if (decision?.kind !== "defer") return;
        expect(nextTryAt).toEqual(decision.at);
      }),
      { numRuns: 500 },
    );
  });
});

function expectedGate(decision: SendDecision): GateName | undefined {
  if (decision.kind === "deliver") return undefined;
  return decision.kind === "early" ? "delay" : gateOfReason[decision.reason];
}

describe("what the mail server said", () => {
  const backoff = {
    scope: "transport",
    reason: "sender_refused",
    message: "550 5.7.26 unauthenticated",
    since: hours(-1),
    nextAt: hours(1),
    intervalSeconds: 7_200,
  } as const;

  test("defers what would go out now, until the next try, and its gate stands before the limits", () => {
    const { gates, decision, nextTryAt, summary } = explainSend(ready, now, REAL_PACE, null, [backoff]);
    expect(decision).toMatchObject({ kind: "defer", reason: "transport_backoff" });
    expect(nextTryAt).toEqual(backoff.nextAt);
    expect(summary).toContain("550 5.7.26 unauthenticated");
    const names = gates.map((gate) => gate.name);
    expect(names.slice(names.indexOf("transport"))).toEqual(["transport", "recipient_domain", "throttle", "attempts"]);
  });

  test("does not count for what is planned after the next try, or would not go out anyway", () => {
    const later = execution({ dueAt: hours(2), scheduledFor: hours(2) });
    expect(explainSend(later, now, REAL_PACE, null, [backoff]).decision).toMatchObject({ kind: "deliver" });
    const paused = { ...ready, sequence: { status: "paused" as const } };
    expect(explainSend(paused, now, REAL_PACE, null, [backoff]).decision).toMatchObject({ kind: "hold" });
  });
});

describe("a database that is fenced", () => {
  const fence = {
    kind: "closed",
    reason: "copied",
    message: "This database is a copy. Nothing is sent from here.",
  } as const;

  test("closes its gate for every email, and says of one that waits what has to be done", () => {
    const { gates, decision, nextTryAt, summary } = explainSend(ready, now, REAL_PACE, null, [], fence);
    expect(gates.filter((gate) => !gate.passed)).toMatchObject([
      { name: "fence", instead: null, data: { reason: "copied" }, sentence: expect.stringContaining("dripline adopt") },
    ]);
    expect({ decision, nextTryAt }).toEqual({ decision: null, nextTryAt: null });
    expect(summary).toMatch(/^It is scheduled\. This database is a copy\..*dripline adopt$/);
  });

  test("changes nothing about what is said of an email that is over", () => {
    const sent = execution({ status: "sent" });
    expect(explainSend(sent, now, REAL_PACE, null, [], fence).summary).toBe(explainSend(sent, now).summary);
  });
});
