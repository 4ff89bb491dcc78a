import { ATTEMPTS_MAX } from "@dripline/domain/backoff";
import { REAL_PACE } from "@dripline/domain/delay";
import type { Phase, Refused, Reply, Unreachable } from "@dripline/mail/transport";
import { describe, expect, test } from "vitest";
import { decideOutcome } from "./decide-outcome.ts";

const now = new Date("2026-03-02T09:00:00Z");

function decide(reply: Reply, attemptCount = 1) {
  return decideOutcome(reply, { executionId: "e1", attemptCount }, now, REAL_PACE);
}

function refused(code: number, enhancedCode: string | undefined, phase: Phase, text = "no"): Refused {
  const permanent = phase !== "connect" && code >= 500;
  const response = [code, enhancedCode, text].filter((part) => part !== undefined).join(" ");
  return { kind: "refused", permanent, phase, code, ...(enhancedCode && { enhancedCode }), response };
}

function unreachable(cause: Unreachable["cause"], phase: Phase = "connect"): Unreachable {
  return { kind: "unreachable", phase, cause, error: "connect ECONNREFUSED" };
}

describe("an error without a code, before the body,", () => {
  test.each(["connect", "envelope", "data"] as const)("in phase %s is tried again, and uses up an attempt", (phase) => {
    expect(decide(unreachable("network", phase))).toMatchObject({ kind: "retry", slowsDown: null, smtpCode: null });
  });

  test.each(["authentication", "tls", "configuration"] as const)(
    "that is about our settings (%s) stops all sending, and uses up no attempt, however many there were",
    (cause) => {
      expect(decide(unreachable(cause), ATTEMPTS_MAX)).toMatchObject({
        kind: "release",
        reason: "transport_unusable",
        slowsDown: "transport_unusable",
      });
    },
  );
});

test("a login that was refused keeps the server's codes", () => {
  const reply: Reply = { ...unreachable("authentication"), code: 535, enhancedCode: "5.7.8" };
  expect(decide(reply)).toMatchObject({ kind: "release", smtpCode: 535, enhancedCode: "5.7.8" });
});

test.each([421, 450, 550, 554])(
  "a greeting with %i refuses us as a client: all sending stops, no attempt used",
  (code) => {
    expect(decide(refused(code, undefined, "connect"), ATTEMPTS_MAX)).toMatchObject({
      kind: "release",
      slowsDown: "transport_unusable",
      smtpCode: code,
    });
  },
);

describe("a 4yz is tried again with its attempt counted", () => {
  test.each(["envelope", "data"] as const)("in phase %s", (phase) => {
    expect(decide(refused(451, "4.3.0", phase))).toMatchObject({
      kind: "retry",
      reason: "refused_4xx",
      slowsDown: null,
    });
  });

  test("after a wait that doubles, moved by a jitter of its own", () => {
    const waits = [1, 2].map((attempt) => {
      const outcome = decide(refused(451, undefined, "envelope"), attempt);
      return outcome.kind === "retry" ? outcome.at.getTime() - now.getTime() : Number.NaN;
    });
    for (const [index, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual(0.8 * 300_000 * 2 ** index);
      expect(wait).toBeLessThanOrEqual(1.2 * 300_000 * 2 ** index);
    }
  });

  test("and is a failure when the attempts are used up, which still slows the domain down", () => {
    expect(decide(refused(421, "4.7.0", "data"), ATTEMPTS_MAX)).toMatchObject({
      kind: "failed",
      reason: "attempts_used_up",
      smtpCode: 421,
      enhancedCode: "4.7.0",
      slowsDown: "domain_slowed",
    });
  });
});

test.each([
  [421, undefined, "envelope"],
  [421, "4.3.2", "data"],
  [450, "4.7.1", "envelope"],
  [451, "4.7.500", "envelope"],
  [452, "4.7.0", "data"],
] as const)("%i %s in phase %s slows the recipient's domain down", (code, enhancedCode, phase) => {
  expect(decide(refused(code, enhancedCode, phase))).toMatchObject({ kind: "retry", slowsDown: "domain_slowed" });
});

test("an address that is none is a hard bounce, whoever sends", () => {
  const outcome = decide(refused(550, "5.1.1", "envelope"));
  expect(outcome).toMatchObject({ kind: "failed", reason: "hard_bounce", smtpCode: 550, enhancedCode: "5.1.1" });
  expect(outcome).toMatchObject({ slowsDown: null });
});

test.each(["5.7.1", "5.7.26", "5.1.7", "5.1.8"])(
  "%s is about us as a sender: failed, no bounce, all sending stops",
  (code) => {
    expect(decide(refused(550, code, "data"))).toMatchObject({
      kind: "failed",
      reason: "sender_refused",
      slowsDown: "sender_refused",
    });
  },
);

test.each([
  [552, "5.2.2"],
  [452, "4.2.2"],
  [552, undefined],
])("a full mailbox (%i %s) is tried again until the attempts are used up, and is no bounce", (code, enhancedCode) => {
  const full = refused(code, enhancedCode, "envelope");
  expect(decide(full)).toMatchObject({ kind: "retry", reason: "mailbox_full", slowsDown: null });
  expect(decide(full, ATTEMPTS_MAX)).toMatchObject({ kind: "failed", reason: "attempts_used_up" });
});

test("a bare 550 fails and is no bounce: it may be policy as well", () => {
  expect(decide(refused(550, undefined, "envelope"))).toMatchObject({
    kind: "failed",
    reason: "refused_5xx",
    slowsDown: null,
  });
});

test("no code after the body is in doubt", () => {
  expect(decide({ kind: "in_doubt", error: "read ECONNRESET" })).toMatchObject({ kind: "in_doubt" });
});
