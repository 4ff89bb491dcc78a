import { ATTEMPTS_MAX } from "./backoff.ts";
import type { NotNow, SendFacts } from "./decide-send.ts";
import { describeInstant } from "./describe-instant.ts";
import { adoptRemedy, type ClosedFence } from "./fence.ts";
import { type Gate, type GateData, type GateName, readingZone } from "./gate.ts";

/** Everything that is not about the clock on the wall: a few comparisons. */
export function plainGates(facts: SendFacts, now: Date): Gate[] {
  return [
    sequenceGate(facts),
    enrollmentGate(facts),
    consentGate(facts),
    suppressionGate(facts),
    stepGate(facts),
    delayGate(facts, now),
  ];
}

/** The gate that its obstacle closes, if there is one. The obstacle's own sentence says why. */
function gate<N extends GateName>(
  name: N,
  data: GateData[N],
  obstacle: Extract<NotNow, { message: string }> | null,
  passedSentence: string,
): Gate<N> {
  return { name, decision: obstacle, describe: () => ({ sentence: obstacle?.message ?? passedSentence, data }) };
}

function sequenceGate({ sequence: { status } }: SendFacts): Gate<"sequence"> {
  return gate("sequence", { status }, sequenceObstacle(status), "The sequence is active.");
}

function sequenceObstacle(status: SendFacts["sequence"]["status"]) {
  switch (status) {
    case "archived": {
      const message = "The sequence is archived: nothing further is sent.";
      return { kind: "stop", reason: "sequence_archived", message } as const;
    }
    case "paused":
      return { kind: "hold", reason: "sequence_paused", message: "The sequence is paused." } as const;
    case "active":
      return null;
  }
}

function enrollmentGate({ enrollment: { status }, execution: { hasAdvanced = false } }: SendFacts): Gate<"enrollment"> {
  const isSentAgain = status === "completed" && hasAdvanced;
  const obstacle = isSentAgain ? null : enrollmentObstacle(status);
  const passed = isSentAgain
    ? "The enrollment is completed, and this email of it, which was in doubt, is sent again."
    : "The enrollment is active.";
  return gate("enrollment", { status }, obstacle, passed);
}

function enrollmentObstacle(status: SendFacts["enrollment"]["status"]) {
  switch (status) {
    case "active":
      return null;
    case "paused":
      return { kind: "hold", reason: "enrollment_paused", message: "The enrollment is paused." } as const;
    default:
      return { kind: "stop", reason: "enrollment_ended", message: `The enrollment is ${status}.` } as const;
  }
}

function consentGate({ contact: { optedOutAt } }: SendFacts): Gate<"consent"> {
  const obstacle =
    optedOutAt &&
    ({
      kind: "stop",
      reason: "contact_opted_out",
      message: `The contact opted out at ${optedOutAt.toISOString()}.`,
    } as const);
  return gate("consent", { opted_out_at: optedOutAt }, obstacle, "The contact has not opted out.");
}

function suppressionGate({ contact: { isSuppressed } }: SendFacts): Gate<"suppression"> {
  const message = "The contact's address is on the suppression list.";
  const obstacle = isSuppressed ? ({ kind: "stop", reason: "address_suppressed", message } as const) : null;
  return gate("suppression", { is_suppressed: isSuppressed }, obstacle, "The contact's address is not suppressed.");
}

function stepGate({ execution: { stepNumber }, step }: SendFacts): Gate<"step"> {
  const data = { step_number: stepNumber, is_active: step.isActive, is_deleted: step.isDeleted ?? false };
  return gate("step", data, stepObstacle(stepNumber, step), `Step ${stepNumber} is active.`);
}

function stepObstacle(stepNumber: number, { isActive, isDeleted = false }: SendFacts["step"]) {
  if (isDeleted) return { kind: "skip", reason: "step_deleted", message: `Step ${stepNumber} was deleted.` } as const;
  if (isActive) return null;
  return { kind: "skip", reason: "step_inactive", message: `Step ${stepNumber} is inactive.` } as const;
}

function delayGate(facts: SendFacts, now: Date): Gate<"delay"> {
  const { dueAt, scheduledFor } = facts.execution;
  const hasCome = scheduledFor <= now;
  return {
    name: "delay",
    decision: hasCome ? null : { kind: "early", at: scheduledFor },
    describe: () => {
      const planned = describeInstant(scheduledFor, readingZone(facts));
      return {
        sentence: hasCome ? `Its time has come: it was planned for ${planned}.` : `It is planned for ${planned}.`,
        data: { counts_from: null, due_at: dueAt, scheduled_for: scheduledFor },
      };
    },
  };
}

/** It decides nothing about the email: while it is closed, no worker takes one. */
export function fenceGate(fence: ClosedFence | null): Gate<"fence"> {
  return {
    name: "fence",
    decision: null,
    describe: () => ({
      sentence: fence === null ? "Email may leave from this database." : `${fence.message} ${adoptRemedy}`,
      data: { reason: fence?.reason ?? null },
    }),
  };
}

/** How many tries are left. It decides nothing: whoever uses up the last one moves the row to `failed`. */
export function attemptsGate({ execution: { attemptCount } }: SendFacts): Gate<"attempts"> {
  return {
    name: "attempts",
    decision: null,
    describe: () => ({
      sentence: `${attemptCount} of ${ATTEMPTS_MAX} attempts are used.`,
      data: { used: attemptCount, max: ATTEMPTS_MAX },
    }),
  };
}
