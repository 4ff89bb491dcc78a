import { ATTEMPTS_MAX } from "./backoff.ts";
import type { NotNow, SendFacts } from "./decide-send.ts";
import type { Pace } from "./delay.ts";
import { describeElapsed, elapsedMilliseconds } from "./elapsed.ts";
import { latenessMilliseconds } from "./lateness.ts";
import { describeDeferral, planSendTime } from "./send-time.ts";
import { spreadSeed } from "./spread-seed.ts";
import { isTimeZone, resolveZone, type ZoneSource } from "./time-zone.ts";

/** What an email has to pass, in the order in which an operator would ask. */
export type GateName =
  | "sequence"
  | "enrollment"
  | "consent"
  | "suppression"
  | "step"
  | "delay"
  | "lateness"
  | "window"
  | "attempts";

export interface Gate {
  readonly name: GateName;
  /** One sentence for operators, whether it passed or not. */
  readonly message: string;
  /** What happens instead of the email; null if it passed. */
  readonly decision: NotNow | null;
}

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

/** Lateness and window: they read calendars, so they are asked last. */
export function calendarGates(facts: SendFacts, now: Date, pace: Pace): Gate[] {
  return [latenessGate(facts, now, pace), windowGate(facts, now)];
}

function passed(name: GateName, message: string): Gate {
  return { name, message, decision: null };
}

function sequenceGate({ sequence }: SendFacts): Gate {
  switch (sequence.status) {
    case "archived": {
      const message = "The sequence is archived: nothing further is sent.";
      return { name: "sequence", message, decision: { kind: "stop", reason: "sequence_archived", message } };
    }
    case "paused": {
      const message = "The sequence is paused.";
      return { name: "sequence", message, decision: { kind: "hold", reason: "sequence_paused", message } };
    }
    default:
      return passed("sequence", "The sequence is active.");
  }
}

function enrollmentGate({ enrollment }: SendFacts): Gate {
  switch (enrollment.status) {
    case "active":
      return passed("enrollment", "The enrollment is active.");
    case "paused": {
      const message = "The enrollment is paused.";
      return { name: "enrollment", message, decision: { kind: "hold", reason: "enrollment_paused", message } };
    }
    default: {
      const message = `The enrollment is ${enrollment.status}.`;
      return { name: "enrollment", message, decision: { kind: "stop", reason: "enrollment_ended", message } };
    }
  }
}

function consentGate({ contact }: SendFacts): Gate {
  if (contact.optedOutAt === null) return passed("consent", "The contact has not opted out.");
  const message = `The contact opted out at ${contact.optedOutAt.toISOString()}.`;
  return { name: "consent", message, decision: { kind: "stop", reason: "contact_opted_out", message } };
}

function suppressionGate({ contact }: SendFacts): Gate {
  if (!contact.isSuppressed) return passed("suppression", "The contact's address is not suppressed.");
  const message = "The contact's address is on the suppression list.";
  return { name: "suppression", message, decision: { kind: "stop", reason: "address_suppressed", message } };
}

function stepGate({ execution, step }: SendFacts): Gate {
  if (step.isActive) return passed("step", `Step ${execution.stepNumber} is active.`);
  const message = `Step ${execution.stepNumber} is inactive.`;
  return { name: "step", message, decision: { kind: "skip", reason: "step_inactive", message } };
}

function delayGate({ execution: { scheduledFor } }: SendFacts, now: Date): Gate {
  if (scheduledFor <= now)
    return passed("delay", `Its time has come: it was planned for ${scheduledFor.toISOString()}.`);
  const message = `Its time has not come: it is planned for ${scheduledFor.toISOString()}.`;
  return { name: "delay", message, decision: { kind: "early", at: scheduledFor } };
}

function latenessGate(facts: SendFacts, now: Date, pace: Pace): Gate {
  const { maxLateness, latePolicy } = facts.step;
  if (maxLateness === null) return passed("lateness", "The step has no limit of lateness.");
  const limit = describeElapsed(maxLateness);
  if (latenessMilliseconds(facts, now) <= elapsedMilliseconds(maxLateness, pace)) {
    return passed("lateness", `It is not later than ${limit}.`);
  }
  const message = `It is more than ${limit} late: it was due at ${facts.execution.dueAt.toISOString()}.`;
  switch (latePolicy) {
    case "send":
      return passed("lateness", `${message} The step says to send it all the same.`);
    case "skip":
      return { name: "lateness", message, decision: { kind: "skip", reason: "too_late", message } };
    case "hold":
      return { name: "lateness", message, decision: { kind: "hold", reason: "too_late", message } };
  }
}

const sourceWords: Record<ZoneSource, string> = {
  contact: "the contact's own zone",
  company: "the company's zone",
  schedule: "the schedule's zone",
};

function windowGate({ execution, enrollment, schedule, contact, company }: SendFacts, now: Date): Gate {
  if (!isTimeZone(schedule.timezone)) {
    const message = `The schedule's time zone "${schedule.timezone}" is not known to this machine.`;
    return { name: "window", message, decision: { kind: "hold", reason: "unknown_time_zone", message } };
  }
  const { zone, source } = resolveZone(schedule, { contact: contact.timezone, company: company?.timezone ?? null });
  const plan = planSendTime({ schedule, zone, dueAt: now, seed: spreadSeed(enrollment.id, execution.stepKey) });
  switch (plan.kind) {
    case "open":
      return passed("window", `A sending window is open in ${zone}, ${sourceWords[source]}.`);
    case "never": {
      const message = "The schedule has no window in the next 400 days.";
      return { name: "window", message, decision: { kind: "hold", reason: "window_never_opens", message } };
    }
    case "deferred": {
      const message = describeDeferral({ plan, zone, dueAt: now, schedule });
      const decision = { kind: "defer", at: plan.at, reason: "outside_window", message } as const;
      return { name: "window", message, decision };
    }
  }
}

/** How many tries are left. Not a decision of its own: whoever uses up the last one moves the row to `failed`. */
export function attemptsGate({ execution }: SendFacts): Gate {
  return passed("attempts", `${execution.attemptCount} of ${ATTEMPTS_MAX} attempts are used.`);
}
