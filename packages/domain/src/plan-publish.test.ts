import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { REAL_PACE } from "./delay.ts";
import type { VersionStep } from "./diff-versions.ts";
import { planNextStep } from "./next-step.ts";
import {
  type FollowEffect,
  type OpenStep,
  type PersonInFlight,
  type PublishContext,
  planFollow,
} from "./plan-publish.ts";
import { PublishReport } from "./publish-report.ts";
import { ALWAYS_OPEN, BUSINESS_HOURS } from "./schedule.ts";
import { spreadFromNow } from "./spread-from-now.ts";
import { placeIn, reachedStepNumber, stepsStillToGet } from "./still-to-get.ts";
import { isOpen } from "./window.ts";

/** A Monday, 10:00 in Bangkok: inside business hours. */
const now = new Date("2026-11-23T03:00:00.000Z");
const DAY = 86_400_000;
const days = (count: number) => new Date(now.getTime() + count * DAY);

function step(key: string, stepNumber: number, values: Partial<VersionStep> = {}): VersionStep {
  return {
    id: `${key}${stepNumber}`,
    key,
    stepNumber,
    name: key,
    delay: { value: 3, unit: "days" },
    isActive: true,
    templateId: "t",
    templateName: "Template",
    maxLateness: null,
    latePolicy: "send",
    ...values,
  };
}

const version = (keys: string, values: Record<string, Partial<VersionStep>> = {}) =>
  [...keys].map((key, index) => step(key, index + 1, values[key]));

const inDays = (value: number) => ({ delay: { value, unit: "days" as const } });

/** Somebody who got A a day ago and waits for B, which is due in two days. */
function waiting(values: Partial<PersonInFlight> = {}, open: Partial<OpenStep> = {}): PersonInFlight {
  return {
    enrollmentId: "e1",
    status: "active",
    versionId: "v1",
    currentStepNumber: 1,
    reachedStepNumber: 2,
    zones: { contact: null, company: null },
    keysHad: ["A", "B"],
    keysToGet: ["C"],
    owedStepKeys: [],
    open: {
      executionId: "x1",
      stepKey: "B",
      status: "scheduled",
      holdReason: null,
      heldAt: null,
      countsFrom: days(-1),
      dueAt: days(2),
      scheduledFor: days(2),
      attemptCount: 0,
      ...open,
    },
    ...values,
  };
}

function follow(person: PersonInFlight, to: VersionStep[], values: Partial<PublishContext> = {}): FollowEffect {
  return planFollow(person, {
    from: version("ABC"),
    to,
    toVersionNumber: 2,
    sequenceStatus: "active",
    schedule: ALWAYS_OPEN,
    now,
    pace: REAL_PACE,
    ...values,
  });
}

describe("somebody who waits at a step that the new version has", () => {
  test.each<[string, VersionStep[], number]>([
    ["whose delay is the same", version("ABC", { B: { name: "Other", templateId: "t2" } }), 1],
    ["that has another number, because one was put before it", version("XABC"), 2],
    ["with one put between what they had and what they wait for", version("AXBC"), 1],
    ["that comes after a step which is gone", version("BC"), 0],
    ["that stands before what they had", version("BAC"), 2],
  ])("%s: keeps the timer, and the progress counts in the new version", (_, to, currentStepNumber) => {
    expect(follow(waiting(), to)).toMatchObject({
      enrollmentId: "e1",
      currentStepNumber,
      change: { kind: "keep" },
      outcome: "unchanged",
    });
  });

  test.each<[string, number, FollowEffect["outcome"], Date]>([
    ["longer: waits longer, from where the wait began", 5, "later", days(4)],
    ["shorter: waits less", 2, "sooner", days(1)],
    ["so short that it would be over: is due now, and not since yesterday", 0, "due_now", now],
    ["over this very moment: is due now", 1, "due_now", now],
  ])("whose delay is %s", (_, value, outcome, dueAt) => {
    const effect = follow(waiting(), version("ABC", { B: inDays(value) }));

    expect(effect).toMatchObject({ outcome, currentStepNumber: 1 });
    expect(effect.change).toMatchObject({
      kind: "retime",
      executionId: "x1",
      isPaused: false,
      next: { stepId: "B2", stepNumber: 2, countsFrom: days(-1), dueAt, scheduledFor: dueAt, isHeld: false },
    });
  });

  test("whose delay changed reads why, and when it goes out", () => {
    const { change } = follow(waiting(), version("ABC", { B: inDays(2) }));
    expect(change).toMatchObject({
      message: `Version 2 gives step 2 "B" a delay of 2 days instead of 3 days: it is due at ${days(1).toISOString()}, planned for ${days(1).toISOString()}.`,
    });
  });

  test("whose new time is outside the windows goes into the next one", () => {
    const effect = follow(waiting(), version("ABC", { B: inDays(6) }), { schedule: BUSINESS_HOURS });
    if (effect.change.kind !== "retime") throw new Error("it is retimed");
    expect(effect.change.next.dueAt).toEqual(days(5)); // a Saturday
    expect(isOpen(BUSINESS_HOURS, "Asia/Bangkok", effect.change.next.scheduledFor)).toBe(true);
    expect(effect.change.next.scheduledFor.getTime()).toBeGreaterThan(days(6).getTime());
  });

  test("whose schedule never opens is kept without a timer", () => {
    const schedule = { ...BUSINESS_HOURS, windows: [] };
    for (const value of [0, 9]) {
      const { change } = follow(waiting(), version("ABC", { B: inDays(value) }), { schedule });
      expect(change).toMatchObject({ kind: "retime", next: { isHeld: true } });
    }
  });

  test.each<[string, VersionStep[], Partial<OpenStep>, FollowEffect["outcome"]]>([
    ["they move on", version("ABC", { B: { isActive: false } }), {}, "moved_on"],
    ["also under a pause", version("ABC", { B: { isActive: false } }), heldBy("enrollment_paused"), "moved_on"],
    ["whatever its delay is", version("ABC", { B: { isActive: false, ...inDays(1) } }), {}, "moved_on"],
    ["to what is owed to them, if nothing is after it", version("ACB", { B: { isActive: false } }), {}, "moved_on"],
    ["or complete, if nothing is left", version("AB", { B: { isActive: false } }), {}, "completed"],
    [
      "or complete, if nothing active is left",
      version("ABC", { B: { isActive: false }, C: { isActive: false } }),
      {},
      "completed",
    ],
    ["unless it waits for somebody", version("ABC", { B: { isActive: false } }), { status: "failed" }, "held"],
  ])("that is inactive now: it keeps its timer, and when it fires %s", (_, to, open, outcome) => {
    const { change, ...effect } = follow(waiting({}, open), to);
    expect(effect).toMatchObject({ outcome, currentStepNumber: 1 });
    expect(change.kind).not.toBe("move_on");
  });

  test("in a zone that this machine does not know keeps the timer: the look before the send says so", () => {
    const schedule = { ...BUSINESS_HOURS, timezone: "Mars/Olympus" };
    expect(follow(waiting(), version("ABC", { B: inDays(9) }), { schedule }).change).toEqual({ kind: "keep" });
  });
});

describe("whose delay changed, but who does not wait for it, keeps what they have:", () => {
  test.each<[string, Partial<OpenStep>, FollowEffect["outcome"]]>([
    ["a step that failed", { status: "failed" }, "held"],
    ["a step between two attempts", { attemptCount: 1 }, "unchanged"],
    [
      "a step that an operator let be tried at once",
      { countsFrom: days(0), dueAt: days(0), scheduledFor: days(0) },
      "unchanged",
    ],
    [
      "a step that was between two attempts when the pause came",
      heldBy("enrollment_paused", { attemptCount: 1 }),
      "unchanged",
    ],
    ["a step that waits for an operator", heldBy("missing_variable"), "held"],
    ["a step that is at the mail server", { status: "sending", attemptCount: 1 }, "unchanged"],
  ])("%s", (_, open, outcome) => {
    const effect = follow(waiting({}, open), version("ABC", { B: inDays(0) }));
    expect(effect).toMatchObject({ change: { kind: "keep" }, outcome });
  });
});

function heldBy(holdReason: string, values: Partial<OpenStep> = {}): Partial<OpenStep> {
  return { status: "pending", holdReason, heldAt: days(-1), ...values };
}

describe("under a pause", () => {
  test.each(["enrollment_paused", "sequence_paused"])(
    "(%s) the clock stands still: the plan changes, and is compared with the moment it stopped",
    (reason) => {
      const paused = waiting({}, heldBy(reason, { countsFrom: days(-3), scheduledFor: days(0) }));

      expect(follow(paused, version("ABC", { B: inDays(4) }))).toMatchObject({
        outcome: "later",
        change: { kind: "retime", isPaused: true, next: { dueAt: days(1) } },
      });
      // Two of three days had passed: a delay of two and a half is not over yet, one of two is.
      expect(follow(paused, version("ABC", { B: { delay: { value: 60, unit: "hours" } } }))).toMatchObject({
        outcome: "sooner",
        change: { kind: "retime", isPaused: true, next: { dueAt: days(-0.5) } },
      });
      expect(follow(paused, version("ABC", { B: inDays(2) }))).toMatchObject({
        outcome: "due_now",
        change: { kind: "retime", isPaused: true, next: { dueAt: days(-1), scheduledFor: days(-1) } },
      });
    },
  );

  test.each<[string, Partial<PersonInFlight>, Partial<PublishContext>, string | null]>([
    ["of the enrollment", { status: "paused" }, {}, "enrollment_paused"],
    ["of the sequence", {}, { sequenceStatus: "paused" }, "sequence_paused"],
    ["of both", { status: "paused" }, { sequenceStatus: "paused" }, "enrollment_paused"],
    [
      "of nothing, under a schedule that never opens",
      {},
      { schedule: { ...ALWAYS_OPEN, windows: [] } },
      "window_never_opens",
    ],
    ["of nothing", {}, {}, null],
  ])("%s what comes after a deleted step waits for its end", (_, person, context, hold) => {
    expect(follow(waiting(person), version("AC"), context).change).toMatchObject({ kind: "move_on", hold });
  });
});

describe("somebody who waits at a step that is gone goes on with what they have still to get:", () => {
  test.each<[string, string, string | null, number]>([
    ["the one after it", "AC", "C", 1],
    ["a new one in its place", "AXC", "X", 1],
    ["also one that stands before what they had now", "CA", "C", 2],
    ["not one they had", "A", null, 1],
    ["the first, if nothing before it is left", "C", "C", 0],
    ["all in the new order, but no new one before the last one that both have", "XCAY", "C", 3],
    ["nothing, if no later one is left", "A", null, 1],
    ["everything, if all is new", "XY", "X", 0],
  ])("%s", (_, to, next, currentStepNumber) => {
    const effect = follow(waiting(), version(to));
    expect(effect).toMatchObject({ currentStepNumber, outcome: next === null ? "completed" : "moved_on" });
    if (effect.change.kind !== "move_on") throw new Error("they move on");
    expect(effect.change.next?.stepKey ?? null).toBe(next);
    if (next !== null) expect(effect.change.next).toMatchObject({ countsFrom: now, dueAt: days(3) });
  });

  test("inactive ones are passed over", () => {
    const { change } = follow(waiting(), version("AXYC", { X: { isActive: false }, Y: { isActive: false } }));
    expect(change).toMatchObject({ passedOver: [{ stepKey: "X" }, { stepKey: "Y" }], next: { stepKey: "C" } });
  });

  test("and it reads so", () => {
    expect(follow(waiting(), version("AC")).change).toMatchObject({
      message: 'Step 2 "B" is not in version 2: step 2 "C" comes next.',
    });
    expect(follow(waiting(), version("A")).change).toMatchObject({
      message: 'Step 2 "B" is not in version 2: nothing is left to get.',
    });
  });

  test.each(["pending", "scheduled", "failed"] as const)("from %s", (status) => {
    const open = status === "pending" ? heldBy("missing_variable") : { status };
    expect(follow(waiting({}, open), version("AC"))).toMatchObject({ outcome: "moved_on" });
  });

  test("but what is at the mail server, or in doubt, is left alone: its end plans from the new version", () => {
    expect(follow(waiting({}, { status: "sending" }), version("AC")).change).toEqual({ kind: "keep" });
    expect(follow(waiting({ open: null }), version("AC")).change).toEqual({ kind: "keep" });
  });

  test("also if it was gone from their own version already", () => {
    // Deleted in version 2 while it was being sent, refused for the moment, and version 3 comes before the next try.
    const person = waiting({ reachedStepNumber: 1 }, { stepKey: "gone" });
    expect(follow(person, version("ABC")).change).toMatchObject({ kind: "move_on", next: { stepKey: "C" } });
  });
});

describe("what an edit puts before somebody who had still to get it is owed to them:", () => {
  const toGet = (person: Partial<PersonInFlight>, to: VersionStep[], open: Partial<OpenStep> = {}) => {
    const from = version("ABCD");
    const { owedStepKeys, keysToGet } = follow(waiting({ keysToGet: ["C", "D"], ...person }, open), to, { from });
    return { owed: owedStepKeys.join(""), toGet: keysToGet.join("") };
  };

  test.each<[string, string, Partial<PersonInFlight>, string, string]>([
    ["one", "ACBD", {}, "C", "CD"],
    ["several, in their order", "ADCB", {}, "DC", "DC"],
    ["not one that is new", "AXCB", {}, "C", "C"],
    ["not one they had, or that was behind them before", "CBAD", { keysToGet: ["D"] }, "", "D"],
    ["not one that is gone", "AB", {}, "", ""],
    ["and stays so", "ACBD", { keysToGet: ["C"], owedStepKeys: ["C"], keysHad: ["A", "B", "D"] }, "C", "C"],
    ["until it stands after them", "ABCD", { owedStepKeys: ["C"] }, "", "CD"],
    ["or is gone", "ABD", { owedStepKeys: ["C"] }, "", "D"],
  ])("%s", (_, to, person, owed, left) => {
    expect(toGet(person, version(to))).toEqual({ owed, toGet: left });
  });

  test("whoever is at an owed one goes on from where they had come, not from where it stands", () => {
    const person = { currentStepNumber: 4, keysHad: ["A", "B", "D"], keysToGet: ["C"], owedStepKeys: ["B", "C"] };
    expect(toGet(person, version("ABXCDY"), { stepKey: "B" })).toEqual({ owed: "BC", toGet: "CY" });
    // Deleted: the next one counts from there too.
    expect(toGet(person, version("AXCDY"), { stepKey: "B" })).toEqual({ owed: "BC", toGet: "CY" });
  });

  test("whose step is deleted is where that step stood, so that nothing they were past comes back", () => {
    const person = waiting({ reachedStepNumber: 3, keysToGet: ["C"] });
    expect(follow(person, version("CANX"), { from: version("ANBC") })).toMatchObject({
      currentStepNumber: 3,
      owedStepKeys: ["C"],
      keysToGet: ["C", "X"],
      change: { next: { stepKey: "C" } },
    });
  });

  test("whose step is deleted while it is being sent is where it stood, also if one they had is put last", () => {
    const person = waiting(
      { currentStepNumber: 2, keysHad: ["A", "B", "C"], keysToGet: ["D"] },
      { stepKey: "C", status: "sending" },
    );
    expect(follow(person, version("ADB"), { from: version("ABCD") })).toMatchObject({ currentStepNumber: 3 });
    const moved = waiting(
      { currentStepNumber: 4, keysHad: ["A", "B", "C"], keysToGet: ["D"] },
      { stepKey: "C", status: "sending" },
    );
    expect(follow(moved, version("ADB"), { from: version("ACDB") })).toMatchObject({ currentStepNumber: 1 });
  });

  test("nothing is lost of whoever is at a step of an older version than theirs", () => {
    expect(toGet({ open: null }, version("ADCB"))).toEqual({ owed: "DC", toGet: "DC" });
    expect(toGet({}, version("DCBA"), { stepKey: "gone", status: "sending" })).toEqual({ owed: "DC", toGet: "DC" });
  });
});

test("where somebody stands does not depend on the order in which steps are listed", () => {
  for (const from of [version("ABC"), version("ABC").toReversed()]) {
    expect(reachedStepNumber(from, version("BA"), 3)).toBe(1);
    expect(reachedStepNumber(from, version("BA").toReversed(), 1)).toBe(2);
  }
});

test("emails that an edit makes due are spread over the schedule's minutes, never past the window's end", () => {
  const inTheMiddle = new Date("2026-11-23T05:00:00Z");
  const minuteToFive = new Date("2026-11-23T09:59:00Z");
  const evening = new Date("2026-11-23T15:00:00Z");
  const opening = new Date("2026-11-24T02:00:00Z");
  const at = (moment: Date, seed: string) => {
    const plan = spreadFromNow({ schedule: BUSINESS_HOURS, zone: "Asia/Bangkok", now: moment, seed });
    if (plan.kind === "never") throw new Error("it opens");
    return plan.at.getTime();
  };
  for (const [moment, from, minutes] of [
    [inTheMiddle, inTheMiddle, 15],
    [minuteToFive, minuteToFive, 1],
    [evening, opening, 15],
  ] as const) {
    const times = Array.from({ length: 200 }, (_, index) => at(moment, `seed ${index}`));
    expect(Math.min(...times)).toBeGreaterThanOrEqual(from.getTime());
    expect(Math.max(...times)).toBeLessThan(from.getTime() + minutes * 60_000);
    expect(new Set(times).size).toBeGreaterThan(190);
    expect(at(moment, "seed 7")).toBe(times[7]);
  }
});

test("the report counts who waits at each step that differs, and says what happens to them", () => {
  const to = version("ACX", { C: inDays(1) });
  const report = new PublishReport(to);
  const atC = (open: Partial<OpenStep>) =>
    waiting({ currentStepNumber: 2, keysHad: ["A", "B", "C"], keysToGet: [] }, { stepKey: "C", ...open });
  const people = [
    waiting(),
    waiting({ keysHad: ["A", "B", "C", "X"], keysToGet: [] }),
    waiting({}, { status: "sending" }),
    waiting({ open: null }),
    atC({}),
    atC({ countsFrom: days(-0.5) }),
    atC({ status: "failed" }),
    atC(heldBy("missing_variable")),
    waiting({ currentStepNumber: 0, keysHad: ["A"], keysToGet: ["B", "C"] }, { stepKey: "A" }),
  ];
  for (const person of people) {
    report.add(person, { versionNumber: 1, steps: version("ABC") }, follow(person, to));
  }

  expect(report.groups()).toMatchObject([
    {
      fromVersionNumber: 1,
      from: { key: "B", stepNumber: 2 },
      to: null,
      kinds: ["deleted"],
      people: 2,
      outcomes: { moved_on: 1, completed: 1 },
      message: '2 people wait at step 2 "B", which is deleted: 1 moves on to the next step, 1 completes the sequence.',
    },
    {
      from: { key: "C", stepNumber: 3 },
      to: { key: "C", stepNumber: 2 },
      kinds: ["changed"],
      people: 4,
      outcomes: { due_now: 1, sooner: 1, held: 2 },
      message:
        '4 people wait at step 3 "C", which is changed: 1 gets it sooner, 1 is due now and goes out in the next open window, 2 are held or failed there and stay so until somebody retries.',
    },
  ]);
});

test("the report says of a step that is inactive now that it is passed over when its time comes", () => {
  const to = version("ABC", { B: { isActive: false } });
  const report = new PublishReport(to);
  for (const person of [waiting(), waiting({ keysHad: ["A", "B", "C"], keysToGet: [] })]) {
    report.add(person, { versionNumber: 1, steps: version("ABC") }, follow(person, to));
  }
  expect(report.groups().map(({ message }) => message)).toEqual([
    '2 people wait at step 2 "B", which is changed, and is inactive now: they pass over it when its time comes: 1 moves on to the next step, 1 completes the sequence.',
  ]);
});

test("the report says of each step that is added or moved how many get it, and how many are past it", () => {
  const from = version("ABCD");
  const to = version("XADBYCZ", { Z: { isActive: false } });
  const report = new PublishReport(to);
  const people = [
    waiting({ keysToGet: ["C", "D"] }),
    waiting({ keysToGet: ["C", "D"] }, { status: "sending" }),
    waiting({ currentStepNumber: 3, keysHad: ["A", "B", "C", "D"], keysToGet: [] }, { stepKey: "D" }),
  ];
  for (const person of people) report.add(person, { versionNumber: 1, steps: from }, follow(person, to, { from }));

  expect(report.reaches()).toMatchObject([
    {
      fromVersionNumber: 1,
      to: { key: "X", stepNumber: 1 },
      kind: "added",
      stillToGet: 0,
      passedBy: 3,
      message: 'Step 1 "X" is added: 0 people in flight get it, 3 are past its place and do not get it.',
    },
    { to: { key: "D" }, kind: "moved", stillToGet: 3, message: 'Step 3 "D" is moved: 3 people in flight get it.' },
    { to: { key: "Y" }, kind: "added", stillToGet: 3, passedBy: 0 },
  ]);
});

/** Edits as people make them: keys kept, steps put elsewhere, deleted, added, changed. */
const edits = fc.array(
  fc.record({
    kind: fc.constantFrom("add", "delete", "move", "delay", "toggle"),
    at: fc.nat(20),
    to: fc.nat(20),
    days: fc.nat(6),
    /** How many steps everybody gets before the edit is published; then whether it is in flight meanwhile. */
    progress: fc.nat(2),
    isSending: fc.boolean(),
  }),
  { maxLength: 12 },
);

type EditList = typeof edits extends fc.Arbitrary<infer List> ? List : never;

const edit = { at: 0, to: 0, days: 0, progress: 0, isSending: false };
/** A step they had is put last, then the one that is being sent is deleted: what comes next was lost as soon as it was owed. */
const deletedAtTheServer: EditList = [
  { ...edit, kind: "delete" },
  { ...edit, kind: "add", to: 2, progress: 1 },
  { ...edit, kind: "move", at: 1, to: 3, progress: 1 },
  { ...edit, kind: "delete", at: 1, isSending: true },
  { ...edit, kind: "add", to: 2, isSending: true },
];

test("whatever is edited and whenever it is published: nobody gets a step twice, loses one or is stuck", () => {
  fc.assert(
    fc.property(edits, (list) => {
      let steps = version("ABCD");
      const person = new Simulated(steps);
      let added = 0;
      for (const edit of list) {
        for (let count = 0; count < edit.progress; count += 1) person.finish();
        const before = steps;
        steps = renumbered(edited(steps, edit, `new${added++}`));
        if (!steps.some((each) => each.isActive)) steps = before;
        else person.publish(before, steps, edit.isSending);
        person.check();
      }
      for (let count = 0; count < 40; count += 1) person.finish();
      person.check();
      expect(person.isLive).toBe(false);
    }),
    { numRuns: 500, examples: [[deletedAtTheServer]] },
  );
});

function edited(steps: VersionStep[], edit: { kind: string; at: number; to: number; days: number }, key: string) {
  const index = edit.at % Math.max(steps.length, 1);
  const target = edit.to % (steps.length + 1);
  const chosen = steps[index];
  if (edit.kind === "add") return steps.toSpliced(target, 0, step(key, 0, inDays(edit.days)));
  if (chosen === undefined) return steps;
  const others = steps.toSpliced(index, 1);
  if (edit.kind === "delete") return others;
  if (edit.kind === "move") return others.toSpliced(target, 0, chosen);
  if (edit.kind === "delay") return steps.with(index, { ...chosen, ...inDays(edit.days) });
  return steps.with(index, { ...chosen, isActive: !chosen.isActive });
}

function renumbered(steps: readonly VersionStep[]): VersionStep[] {
  return steps.map((each, index) => ({ ...each, stepNumber: index + 1, id: `${each.key}${index}` }));
}

/** One person with their executions, moved by the same functions as rows are: the oracle only counts. */
class Simulated {
  isLive = true;
  readonly #executions: { key: string; isOpen: boolean }[] = [];
  #steps: VersionStep[];
  /** The version in which the open step was opened or last taken along. */
  #openIn: VersionStep[];
  #currentStepNumber = 0;
  #owedStepKeys: readonly string[] = [];
  #scheduledFor = now;

  constructor(steps: VersionStep[]) {
    this.#steps = steps;
    this.#openIn = steps;
    this.#open(planNextStep({ ...planning, steps, afterStepNumber: 0 }));
  }

  /** The open step is sent, or skipped if it is inactive or gone: both end it and open the next. */
  finish(): void {
    if (!this.isLive) return;
    const open = this.#executions.find((each) => each.isOpen);
    if (open === undefined) return;
    const { place, steps } = this.#toGet();
    open.isOpen = false;
    const number = this.#steps.find((each) => each.key === open.key)?.stepNumber;
    this.#currentStepNumber = number === undefined || this.#isOwed(open.key) ? place : number;
    this.#openIn = this.#steps;
    this.#open(planNextStep({ ...planning, steps, afterStepNumber: 0 }));
    const keysToGet = steps.map((each) => each.key);
    this.#checkNothingIsLost(keysToGet, this.#steps);
    if (this.isLive) expect(keysToGet).toEqual(expect.arrayContaining(this.#toGet().steps.map((each) => each.key)));
  }

  #isOwed(key: string): boolean {
    return this.#owedStepKeys.includes(key);
  }

  /** As the database answers it for the step that is open or was the last. */
  #toGet(): { readonly place: number; readonly steps: VersionStep[] } {
    const key = this.#executions.findLast((each) => each.isOpen)?.key ?? "";
    const place = placeIn(this.#openIn, this.#steps, {
      stepNumber: this.#openIn.find((each) => each.key === key)?.stepNumber ?? 0,
      isOwed: this.#isOwed(key),
      currentStepNumber: this.#currentStepNumber,
    });
    return { place, steps: stepsStillToGet(this.#steps, place, this.#keysHad(), this.#owedStepKeys) };
  }

  #keysHad(): string[] {
    return this.#executions.map((each) => each.key);
  }

  publish(from: VersionStep[], to: VersionStep[], isSending: boolean): void {
    if (!this.isLive) {
      this.#steps = to;
      return;
    }
    const toGet = this.#toGet();
    const keysToGet = toGet.steps.map((each) => each.key);
    this.#steps = to;
    const open = this.#executions.find((each) => each.isOpen);
    const effect = follow(
      waiting(
        {
          currentStepNumber: this.#currentStepNumber,
          reachedStepNumber: toGet.place,
          keysHad: this.#keysHad(),
          keysToGet,
          owedStepKeys: this.#owedStepKeys,
        },
        { stepKey: open?.key ?? "", scheduledFor: this.#scheduledFor, status: isSending ? "sending" : "scheduled" },
      ),
      to,
      { from },
    );
    this.#currentStepNumber = effect.currentStepNumber;
    this.#owedStepKeys = effect.owedStepKeys;
    if (effect.change.kind === "move_on" && open !== undefined) {
      open.isOpen = false;
      this.#openIn = to;
      this.#open(effect.change);
    } else if (to.some((each) => each.key === open?.key)) this.#openIn = to;
    this.#checkNothingIsLost(keysToGet, to);
  }

  /** Law: what was still to come and is in the new version comes, or has just begun; what an edit adds may come. */
  #checkNothingIsLost(keysToGet: readonly string[], to: readonly VersionStep[]): void {
    const comes = new Set([...this.#keysHad(), ...(this.isLive ? this.#toGet().steps.map((each) => each.key) : [])]);
    const lost = keysToGet.filter((key) => to.some((each) => each.key === key && each.isActive) && !comes.has(key));
    expect(lost).toEqual([]);
  }

  check(): void {
    const keys = this.#keysHad();
    expect(new Set(keys).size).toBe(keys.length);
    expect(this.#executions.filter((each) => each.isOpen)).toHaveLength(this.isLive ? 1 : 0);
  }

  #open({
    passedOver,
    next,
  }: {
    passedOver: readonly { stepKey: string }[];
    next: { stepKey: string; scheduledFor: Date } | null;
  }): void {
    for (const { stepKey } of passedOver) this.#executions.push({ key: stepKey, isOpen: false });
    if (next === null) this.isLive = false;
    else {
      this.#scheduledFor = next.scheduledFor;
      this.#executions.push({ key: next.stepKey, isOpen: true });
    }
  }
}

const planning = {
  from: now,
  enrollmentId: "e1",
  schedule: ALWAYS_OPEN,
  zone: { zone: "UTC", source: "schedule" },
  pace: REAL_PACE,
} as const;
