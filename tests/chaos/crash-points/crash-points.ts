import type { CrashPoint, Seen } from "./crash-point.ts";

/** Due, and nobody has begun. */
const waiting: Seen = {
  status: "scheduled",
  phase: null,
  lease: null,
  attempts: 0,
  generation: 0,
  hasMessageId: false,
  events: [],
  log: [],
  copies: 0,
  next: null,
  enrollment: "active",
  places: 0,
};

const claimed: Seen = {
  ...waiting,
  status: "sending",
  phase: "claimed",
  lease: "runs",
  attempts: 1,
  generation: 1,
  hasMessageId: true,
};
const marked: Seen = { ...claimed, phase: "data" };
const bodyLeft: Seen = { ...marked, copies: 1 };

/** Sent at the first attempt, the second step as well. */
const sent: Seen = {
  ...waiting,
  status: "sent",
  attempts: 1,
  generation: 1,
  hasMessageId: true,
  log: ["accepted"],
  copies: 1,
  next: "sent",
  enrollment: "completed",
};

/** Its wake-up came again after its worker was lost; nothing had been claimed, so nothing had to be taken back. */
const sentByAnother: Seen = { ...sent, events: ["rescued worker_lost"] };

/** The claim ended, was taken back (generation 2) and made again (3); it counts as one attempt. */
const sentAfterRescue: Seen = { ...sent, generation: 3, events: ["rescued lease_expired"] };

const doubtOf = (reason: "worker_lost" | "no_final_reply", copies: number) => {
  const held: Seen = {
    ...waiting,
    status: "in_doubt",
    attempts: 1,
    generation: 1,
    hasMessageId: true,
    events: [`in_doubt ${reason}`],
    log: ["in_doubt"],
    copies,
  };
  return {
    /** As an operator finds it who has to decide. */
    held,
    /** The record is there, the next step's timer is not. */
    advancing: { ...held, next: "scheduled" },
    advanced: { ...held, next: "sent", enrollment: "completed" },
    /** Waits to be sent again. */
    returning: { ...held, status: "scheduled" },
    /** The second copy was accepted. */
    sentAgain: {
      ...held,
      status: "sent",
      attempts: 2,
      generation: 2,
      log: ["in_doubt", "accepted"],
      copies: copies + 1,
      next: "sent",
      enrollment: "completed",
    },
  } satisfies Record<string, Seen>;
};

function settled(doubt: ReturnType<typeof doubtOf>): Pick<CrashPoint, "becomes"> {
  return { becomes: { advance: doubt.advanced, resend: doubt.sentAgain, hold: doubt.held } };
}

const failed: Seen = { ...claimed, status: "failed", phase: null, lease: null, events: ["failed refused_5xx"] };
const lost = (copies: number) => doubtOf("worker_lost", copies);
const unanswered = doubtOf("no_final_reply", 1);
const lateReply = { ...sent, events: ["in_doubt worker_lost", "sent late_reply"], log: ["in_doubt", "accepted"] };

const busy = { code: 451, text: "4.3.0 try again later" };
const refusal = { code: 554, text: "5.6.0 not this content" };

/**
 * Where a process can die on the way of one email, what that leaves, and what another worker makes of it. Each row is
 * tried on real processes, for every policy if the policy matters: tests/crash-points.it.test.ts.
 */
export const crashPoints: readonly CrashPoint[] = [
  {
    name: "API: committed, timer not set",
    knew: "the enrollment's first timer",
    faults: [{ kind: "kill_api_before_wake" }],
    left: waiting,
    becomes: sent,
  },
  {
    name: "woken",
    knew: "the wake-up",
    faults: [{ kind: "kill", at: "woken" }],
    left: waiting,
    becomes: sentByAnother,
  },
  {
    name: "composed",
    knew: "the message",
    faults: [{ kind: "kill", at: "composed" }],
    left: waiting,
    becomes: sentByAnother,
  },
  {
    name: "place taken",
    knew: "whose place under the limit it was: nobody gives it back that day",
    faults: [{ kind: "kill", at: "place_taken" }],
    setUp: "daily_limit",
    left: { ...waiting, places: 1 },
    becomes: { ...sentByAnother, places: 3 },
  },
  {
    name: "claimed",
    knew: "that it had not connected yet",
    faults: [{ kind: "kill", at: "claimed" }],
    left: claimed,
    becomes: sentAfterRescue,
  },
  {
    name: "asked",
    knew: "the server's 354",
    faults: [{ kind: "kill", at: "asked" }],
    left: claimed,
    becomes: sentAfterRescue,
  },
  {
    name: "marked",
    knew: "that no byte of the body had left",
    faults: [{ kind: "kill", at: "marked" }],
    left: marked,
    ...settled(lost(0)),
  },
  {
    name: "body left",
    knew: "how far the body had come",
    faults: [{ kind: "kill_before_reply" }],
    server: ["withhold_reply", "accept"],
    left: bodyLeft,
    ...settled(lost(1)),
  },
  {
    name: "replied: 250",
    knew: "that it was accepted",
    faults: [{ kind: "kill", at: "replied" }],
    left: bodyLeft,
    ...settled(lost(1)),
  },
  {
    name: "replied: 451 to RCPT",
    knew: "that the server asked to come back",
    faults: [{ kind: "kill", at: "replied" }],
    server: [{ refuseRecipient: busy }, "accept"],
    left: claimed,
    becomes: sentAfterRescue,
  },
  {
    name: "replied: 451 to the body",
    knew: "that the server asked to come back",
    faults: [{ kind: "kill", at: "replied" }],
    server: [{ refuseBody: busy }, "accept"],
    left: marked,
    ...settled(lost(0)),
  },
  {
    name: "replied: 554 to the body",
    knew: "that it was refused for good",
    faults: [{ kind: "kill", at: "replied" }],
    server: [{ refuseBody: refusal }, "accept"],
    left: marked,
    ...settled(lost(0)),
  },
  {
    name: "replied: connection lost",
    knew: "that it is in doubt",
    faults: [{ kind: "kill", at: "replied" }],
    server: ["drop_after_body", "accept"],
    left: bodyLeft,
    ...settled(lost(1)),
  },
  {
    name: "recorded: 250",
    knew: "the next step's timer",
    faults: [{ kind: "kill", at: "recorded" }],
    left: { ...sent, next: "scheduled", enrollment: "active" },
    becomes: sent,
  },
  {
    name: "recorded: 451",
    knew: "the timer of the next try",
    faults: [{ kind: "kill", at: "recorded" }],
    server: [{ refuseRecipient: busy }, "accept"],
    left: { ...claimed, status: "scheduled", phase: null, lease: null, events: ["retried refused_4xx"] },
    becomes: { ...sent, attempts: 2, generation: 2, events: ["retried refused_4xx"] },
  },
  {
    name: "recorded: 554",
    knew: "nothing that the row does not say",
    faults: [{ kind: "kill", at: "recorded" }],
    server: [{ refuseBody: refusal }],
    left: failed,
    becomes: failed,
  },
  {
    name: "recorded: connection lost",
    knew: "the timer of what comes next",
    faults: [{ kind: "kill", at: "recorded" }],
    server: ["drop_after_body", "accept"],
    left: { advance: unanswered.advancing, resend: unanswered.returning, hold: unanswered.held },
    ...settled(unanswered),
  },
  {
    name: "next timer set",
    knew: "that this wake-up is over",
    faults: [{ kind: "kill", at: "next_woken" }],
    left: { ...sent, next: "scheduled", enrollment: "active" },
    becomes: sent,
  },
  {
    name: "decided: put off",
    knew: "when to come back",
    faults: [{ kind: "kill", at: "decided" }],
    setUp: "window_closed",
    left: { ...waiting, events: ["deferred outside_window"] },
    becomes: { ...waiting, events: ["deferred outside_window", "rescued worker_lost"] },
  },
  {
    name: "decided: stopped",
    knew: "nothing that the row does not say",
    faults: [{ kind: "kill", at: "decided" }],
    setUp: "opted_out",
    left: { ...waiting, status: "skipped", events: ["skipped contact_opted_out"], enrollment: "unsubscribed" },
    becomes: { ...waiting, status: "skipped", events: ["skipped contact_opted_out"], enrollment: "unsubscribed" },
  },
  {
    name: "sweep: leases found",
    knew: "which leases were over",
    faults: [
      { kind: "kill", at: "marked" },
      { kind: "kill", at: "leases_found" },
    ],
    left: { ...marked, lease: "over" },
    ...settled(lost(0)),
  },
  {
    name: "sweep: claims let go",
    knew: "which rows are to be woken",
    faults: [
      { kind: "kill", at: "claimed" },
      { kind: "kill", at: "leases_released" },
    ],
    left: { ...waiting, generation: 2, hasMessageId: true, events: ["rescued lease_expired"] },
    becomes: sentAfterRescue,
  },
  {
    name: "sweep: doubt recorded",
    knew: "the timer of what comes next",
    faults: [
      { kind: "kill", at: "marked" },
      { kind: "kill", at: "recorded" },
    ],
    left: { advance: lost(0).advancing, resend: lost(0).returning, hold: lost(0).held },
    ...settled(lost(0)),
  },
  {
    name: "frozen: asked",
    knew: "the server's 354; thawed, it may not mark the row, and nothing leaves",
    faults: [{ kind: "freeze", at: "asked" }],
    left: claimed,
    becomes: sentAfterRescue,
  },
  {
    name: "frozen: marked",
    knew: "that it may begin; thawed, it sees that its lease is over, and nothing leaves",
    faults: [{ kind: "freeze", at: "marked" }],
    left: marked,
    ...settled(lost(0)),
  },
  {
    name: "frozen: replied 250",
    knew: "that it was accepted; thawed, it settles the doubt, unless a second copy was sent already",
    faults: [{ kind: "freeze", at: "replied" }],
    left: bodyLeft,
    becomes: { advance: lateReply, resend: lost(1).sentAgain, hold: lateReply },
  },
];
