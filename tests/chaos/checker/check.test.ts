import { expect, test } from "vitest";
import type { ExecutionRow, ExecutionState, History, Transition } from "../history/history.ts";
import type { SinkEntry } from "../sink/sink-entry.ts";
import { check } from "./check.ts";

/** A small run as it should be, and for each invariant one that breaks it and nothing else it need not. */

const at = (seconds: number) => Date.UTC(2026, 10, 25, 12, 0, 0) + seconds * 1_000;
type Move = readonly [seconds: number, state: string, changes?: Partial<ExecutionState>];

/** The way of one row: `status` or `status[phase]` at a time; a claim opens a generation. */
function way(executionId: string, moves: readonly Move[], firstSeq: number): Transition[] {
  let state: ExecutionState | null = null;
  return moves.map(([seconds, name, changes], index) => {
    const [, status = "", phase] = /^(\w+)(?:\[(\w+)\])?$/.exec(name) ?? [];
    const from = state;
    const isClaim = phase === "claimed";
    state = {
      status,
      phase: phase ?? null,
      generation: (from?.generation ?? 0) + (isClaim ? 1 : 0),
      attemptCount: (from?.attemptCount ?? 0) + (isClaim ? 1 : 0),
      scheduledFor: from?.scheduledFor ?? at(seconds),
      emailLogId: from?.emailLogId ?? null,
      ...changes,
    };
    return { seq: firstSeq + index, at: at(seconds), executionId, from, to: state };
  });
}

const sentWay: readonly Move[] = [
  [1, "scheduled"],
  [2, "sending[claimed]"],
  [2.1, "sending[data]"],
  [2.3, "sent", { emailLogId: "log 1" }],
];
const doubtWay: readonly Move[] = [
  [2.3, "scheduled"],
  [4, "sending[claimed]"],
  [4.1, "sending[data]"],
  [12, "in_doubt", { emailLogId: "log 2" }],
];

function execution(id: string, stepNumber: number, changes: Partial<ExecutionRow> = {}): ExecutionRow {
  return {
    id,
    enrollmentId: "n1",
    stepNumber,
    status: "sent",
    messageId: `<${id}@x>`,
    holdReason: null,
    errorMessage: null,
    reasons: [],
    ...changes,
  };
}

function copy(id: string, seconds: number, changes: Partial<SinkEntry> = {}): SinkEntry {
  return {
    at: at(seconds),
    outcome: "accepted",
    recipient: "ann@x",
    messageId: `<${id}@x>`,
    sha256: `hash of ${id}`,
    bytes: 100,
    subject: "Hello",
    unsubscribeUrl: null,
    ...changes,
  };
}

/** Ann gets step 1; step 2 comes into doubt when its worker is killed, and has arrived. */
const good: History = {
  run: {
    seed: 1,
    startedAt: at(0),
    lastFaultAt: at(20),
    drainedAt: at(25),
    claimLeaseMilliseconds: 4_000,
    dataLeaseMilliseconds: 7_000,
    stepsPerSequence: 2,
    plannedFaults: { kill: 40 },
    isDeploy: false,
  },
  sink: [copy("e1", 2.2), copy("e2", 4.2)],
  executions: [execution("e1", 1), execution("e2", 2, { status: "in_doubt", reasons: ["worker_lost"] })],
  enrollments: [
    { id: "n1", sequenceId: "s1", policy: "advance", recipient: "ann@x", status: "completed", endReason: "completed" },
  ],
  transitions: [...way("e1", sentWay, 1), ...way("e2", doubtWay, 100)],
  optOuts: [],
  requests: [
    {
      key: "k1",
      sequenceId: "s1",
      recipient: "ann@x",
      sentAt: at(0.5),
      answeredAt: at(1),
      status: 201,
      code: null,
      enrollmentId: "n1",
      isReplay: false,
    },
  ],
  windows: [{ sequenceId: "s1", askedAt: at(0), answeredAt: at(0), openings: [[at(0), at(3_600)]] }],
  faults: Array.from({ length: 40 }, () => ({ at: at(5), until: at(5), kind: "kill", target: "worker-1" })),
  ends: [{ at: at(5), name: "worker-1", pid: 1, code: null, signal: "SIGKILL", wasAsked: true }],
};

const withWays = (ways: { e1?: readonly Move[]; e2?: readonly Move[] }) => ({
  transitions: [...way("e1", ways.e1 ?? sentWay, 1), ...way("e2", ways.e2 ?? doubtWay, 100)],
});

const [enrollment] = good.enrollments;
const [request] = good.requests;
if (enrollment === undefined || request === undefined) throw new Error("the good history has somebody");

test("a run as promised breaks nothing", () => {
  expect(check(good)).toEqual([]);
});

test("a second copy is fine under `resend` once a doubt about the first is on record", () => {
  const resent: readonly Move[] = [
    [2.3, "scheduled"],
    [4, "sending[claimed]"],
    [4.1, "sending[data]"],
    [12, "scheduled", { emailLogId: "log 2" }],
    [13, "sending[claimed]"],
    [13.1, "sending[data]"],
    [13.3, "sent", { emailLogId: "log 3" }],
  ];
  const history: History = {
    ...good,
    ...withWays({ e2: resent }),
    sink: [...good.sink, copy("e2", 13.2)],
    enrollments: [{ ...enrollment, policy: "resend" }],
    executions: [execution("e1", 1), execution("e2", 2)],
  };
  expect(check(history)).toEqual([]);
  const early = { ...history, sink: [copy("e1", 2.2), copy("e2", 4.2), copy("e2", 5)] };
  expect(broken(early)).toContain("single copy");
});

type Break = readonly [invariant: string, what: string, history: Partial<History>, sentence: RegExp];

/** One for every sentence that a checker can say: two faults that fall together must not hide that one is not seen. */
const breaks: readonly Break[] = [
  ["known message", "a message that belongs to nobody", { sink: [...good.sink, copy("e9", 5)] }, /is no execution's/],
  [
    "known message",
    "a message at somebody else's address",
    { sink: [copy("e1", 2.2, { recipient: "bob@x" }), copy("e2", 4.2)] },
    /of ann@x arrived for bob@x/,
  ],
  ["single copy", "a second copy", { sink: [...good.sink, copy("e1", 3)] }, /arrived 2 times/],
  [
    "single copy",
    "a second copy under `advance`, although a doubt was on record before it",
    { sink: [...good.sink, copy("e2", 13)] },
    /arrived 2 times/,
  ],
  [
    "same bytes",
    "a refused attempt with other bytes",
    { sink: [...good.sink, copy("e1", 1.5, { outcome: "refused_after_data", sha256: "other" })] },
    /2 different contents/,
  ],
  ["sent means arrived", "nothing arrived of what is sent", { sink: [copy("e2", 4.2)] }, /nothing arrived/],
  [
    "arrived means recorded",
    "what arrived is scheduled, without a doubt on record",
    {
      ...withWays({ e2: doubtWay.slice(0, 3) }),
      executions: [execution("e1", 1), execution("e2", 2, { status: "failed", reasons: ["refused_5xx"] })],
    },
    /is failed, without a doubt on record/,
  ],
  [
    "steps in order",
    "step 2 arrives before step 1",
    { sink: [copy("e1", 4.4), copy("e2", 4.2)] },
    /step 2 arrived at .*, before step 1/,
  ],
  [
    "steps in order",
    "step 1 has no row",
    { executions: good.executions.slice(1), sink: good.sink.slice(1) },
    /no row for step 1/,
  ],
  [
    "steps in order",
    "step 2 is opened before step 1 is over",
    { ...withWays({ e2: [[2.2, "scheduled"], ...doubtWay.slice(1)] }) },
    /step 2 was opened before step 1 was over/,
  ],
  [
    "steps in order",
    "step 2 is opened although step 1 was never over",
    { ...withWays({ e1: sentWay.slice(0, 3) }) },
    /step 2 was opened before step 1 was over/,
  ],
  [
    "legal transitions",
    "sent without having been marked",
    {
      ...withWays({
        e1: [
          [1, "scheduled"],
          [2, "sending[claimed]"],
          [2.3, "sent"],
        ],
      }),
    },
    /sending\[claimed\] > sent is no arrow/,
  ],
  [
    "legal transitions",
    "a generation that goes down",
    { ...withWays({ e1: [...sentWay.slice(0, 3), [2.3, "sent", { generation: 0 }]] }) },
    /the generation went from 1 to 0/,
  ],
  [
    "legal transitions",
    "a claim that opens no generation",
    { ...withWays({ e1: [[1, "scheduled"], [2, "sending[claimed]", { generation: 0 }], ...sentWay.slice(2)] }) },
    /a claim took generation 0 to 0/,
  ],
  [
    "legal transitions",
    "an email that is taken over in the middle of its body",
    { ...withWays({ e1: [...sentWay.slice(0, 3), [2.2, "sending[data]", { generation: 2 }], [2.3, "sent"]] }) },
    /sending\[data\] > sending\[data\] is no arrow/,
  ],
  [
    "legal transitions",
    "a change that nobody saw",
    { transitions: good.transitions.filter(({ seq }) => seq !== 2) },
    /left sending\[claimed\], and had come to scheduled/,
  ],
  [
    "consent",
    "an email a little later than one lease after an opt-out",
    { optOuts: [{ at: at(4.1) - good.run.dataLeaseMilliseconds, recipient: "ann@x" }] },
    /<e2@x> arrived/,
  ],
  [
    "right time",
    "a claim before its time",
    { ...withWays({ e1: [[1, "scheduled", { scheduledFor: at(2.1) }], ...sentWay.slice(1)] }) },
    /was claimed at .*, planned for/,
  ],
  [
    "right time",
    "an email that arrives before its time",
    { ...withWays({ e1: [[1, "scheduled", { scheduledFor: at(3) }], ...sentWay.slice(1)] }) },
    /arrived at .*, planned for/,
  ],
  [
    "right time",
    "an email that arrives before anybody claimed it",
    { sink: [copy("e1", 1.5), copy("e2", 4.2)] },
    /was not claimed before/,
  ],
  [
    "right time",
    "a claim outside of its window",
    { windows: [{ sequenceId: "s1", askedAt: at(0), answeredAt: at(0), openings: [[at(0), at(3)]] }] },
    /was claimed at .*, outside of its windows/,
  ],
  [
    "right time",
    "an email that was claimed in its window and begun after it",
    {
      ...withWays({ e2: [...doubtWay.slice(0, 2), [5, "sending[data]"], ...doubtWay.slice(3)] }),
      sink: [copy("e1", 2.2), copy("e2", 5.1)],
      windows: [{ sequenceId: "s1", askedAt: at(0), answeredAt: at(0), openings: [[at(0), at(4.5)]] }],
    },
    /was data at .*, outside of its windows/,
  ],
  [
    "requests are enrollments",
    "an enrollment that nobody asked for",
    { enrollments: [enrollment, { ...enrollment, id: "n2" }] },
    /no request was ever answered with it/,
  ],
  [
    "requests are enrollments",
    "a 201 without an enrollment",
    { requests: [request, { ...request, key: "k2", enrollmentId: "n9" }] },
    /answered 201 with n9, which is not there/,
  ],
  [
    "requests are enrollments",
    "one key with two enrollments",
    { requests: [request, { ...request, enrollmentId: "n2" }] },
    /answered with 2 enrollments/,
  ],
  [
    "requests are enrollments",
    "a key that never got its answer",
    { requests: [request, { ...request, key: "k2", status: 503, enrollmentId: null }] },
    /never got its 201/,
  ],
  [
    "requests are enrollments",
    "a repeated request that is refused",
    { requests: [request, { ...request, status: 409, code: "already_enrolled", enrollmentId: null }] },
    /was answered 409 already_enrolled/,
  ],
  [
    "requests are enrollments",
    "an enrollment without its first step",
    {
      enrollments: [enrollment, { ...enrollment, id: "n2" }],
      requests: [request, { ...request, key: "k2", enrollmentId: "n2" }],
    },
    /n2 has no execution: half-written/,
  ],
  [
    "drained",
    "something is still under way when nobody waits any longer",
    { run: { ...good.run, drainedAt: null } },
    /emails were under way/,
  ],
  [
    "drained",
    "something was under way more than a minute after the last fault",
    { run: { ...good.run, drainedAt: good.run.lastFaultAt + 60_001 } },
    /emails were under way/,
  ],
  [
    "accounted for",
    "an active enrollment that nothing holds",
    {
      enrollments: [{ ...enrollment, status: "active", endReason: null }],
      executions: [execution("e1", 1), execution("e2", 2)],
    },
    /n1 is active, and nothing holds it/,
  ],
  [
    "accounted for",
    "an active enrollment whose email failed, and nobody wrote down why",
    {
      enrollments: [{ ...enrollment, status: "active", endReason: null }],
      executions: [execution("e1", 1), execution("e2", 2, { status: "failed" })],
    },
    /n1 is active, and nothing holds it/,
  ],
  [
    "accounted for",
    "an active enrollment whose email waits without a timer and without a reason",
    {
      enrollments: [{ ...enrollment, status: "active", endReason: null }],
      executions: [execution("e1", 1), execution("e2", 2, { status: "pending" })],
    },
    /n1 is active, and nothing holds it/,
  ],
  [
    "accounted for",
    "an email that did not arrive and is listed nowhere",
    { executions: [execution("e1", 1), execution("e2", 2, { status: "skipped" })], sink: good.sink.slice(0, 1) },
    /execution e2 is lost/,
  ],
  [
    "accounted for",
    "a step that was never opened for somebody who completed",
    { executions: good.executions.slice(0, 1), sink: good.sink.slice(0, 1) },
    /of enrollment n1 that was never opened is lost/,
  ],
  [
    "window was hit",
    "forty kills and no doubt",
    {
      ...withWays({ e2: [...doubtWay.slice(0, 3), [4.4, "sent"]] }),
      executions: [execution("e1", 1), execution("e2", 2)],
    },
    /missed the window/,
  ],
  ["faults struck", "fewer kills than planned", { faults: good.faults.slice(1) }, /kill: 39 of 40 struck/],
  [
    "orderly processes",
    "a process that ended by itself",
    { ends: [{ at: at(5), name: "api", pid: 2, code: 1, signal: null, wasAsked: false }] },
    /nobody asked it to/,
  ],
  [
    "orderly processes",
    "a process that was told to stop and ended with an error",
    { ends: [{ at: at(5), name: "api", pid: 2, code: 1, signal: null, wasAsked: true }] },
    /ended at .* with code 1 after it was told to stop/,
  ],
  [
    "orderly processes",
    "a doubt in a planned restart",
    { run: { ...good.run, isDeploy: true } },
    /came into doubt at .*, in a planned restart/,
  ],
];

test.each(breaks)("%s: broken by %s", (invariant, _, changes, sentence) => {
  const found = check({ ...good, ...changes }).find((one) => one.invariant === invariant);
  expect(found?.violations ?? []).toContainEqual(expect.stringMatching(sentence));
});

test("what arrives at the end of the lease that ran at an opt-out breaks nothing", () => {
  const since = at(4.2) - good.run.dataLeaseMilliseconds;
  expect(check({ ...good, optOuts: [{ at: since, recipient: "ann@x" }] })).toEqual([]);
});

test("every invariant has a history that breaks it", () => {
  const names = new Set(breaks.flatMap(([, , changes]) => broken({ ...good, ...changes })));
  expect(new Set(breaks.map(([invariant]) => invariant))).toEqual(names);
  expect(names.size).toBe(15);
});

function broken(history: History): string[] {
  return check(history).map(({ invariant }) => invariant);
}
