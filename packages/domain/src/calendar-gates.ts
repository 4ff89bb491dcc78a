import type { NotNow, SendFacts } from "./decide-send.ts";
import type { Pace } from "./delay.ts";
import { describeInstant, localMoment } from "./describe-instant.ts";
import { describeElapsed, elapsedMilliseconds } from "./elapsed.ts";
import { type Gate, type GateData, readingZone, zoneOf } from "./gate.ts";
import { latenessMilliseconds } from "./lateness.ts";
import { DAY, isoDate, localTime, MINUTE } from "./local-time.ts";
import type { Schedule } from "./schedule.ts";
import { scheduleFault } from "./schedule-fault.ts";
import { describeDeferral, planSendTime, type SendTimePlan } from "./send-time.ts";
import { spreadSeed } from "./spread-seed.ts";
import type { ZoneSource } from "./time-zone.ts";
import { unreachable } from "./unreachable.ts";
import { type Closure, closureOn, nextWindow, type SendingWindow } from "./window.ts";

/** Lateness and window: they read calendars, so they are asked last. */
export function calendarGates(facts: SendFacts, now: Date, pace: Pace): Gate[] {
  return [latenessGate(facts, now, pace), windowGate(facts, now)];
}

function latenessGate(facts: SendFacts, now: Date, pace: Pace): Gate<"lateness"> {
  const { maxLateness, latePolicy } = facts.step;
  const late = maxLateness !== null && latenessMilliseconds(facts, now) > elapsedMilliseconds(maxLateness, pace);
  const lateSentence = () => {
    const limit = maxLateness === null ? "" : describeElapsed(maxLateness);
    return `It is more than ${limit} late: it was due at ${describeInstant(facts.execution.dueAt, readingZone(facts))}.`;
  };
  return {
    name: "lateness",
    decision: late ? lateDecision(latePolicy, lateSentence) : null,
    describe: () => ({
      sentence: late
        ? `${lateSentence()} ${latePolicySentences[latePolicy]}`
        : maxLateness === null
          ? "The step has no limit of lateness."
          : `It is not more than ${describeElapsed(maxLateness)} late.`,
      data: {
        minutes_late: Math.floor(latenessMilliseconds(facts, now) / MINUTE),
        limit: maxLateness,
        policy: latePolicy,
      },
    }),
  };
}

const latePolicySentences = {
  send: "The step says to send it all the same.",
  skip: "The step says to pass over it then.",
  hold: "The step says to hold it then.",
} as const;

function lateDecision(policy: SendFacts["step"]["latePolicy"], sentence: () => string): NotNow | null {
  switch (policy) {
    case "send":
      return null;
    case "skip":
      return { kind: "skip", reason: "too_late", message: sentence() };
    case "hold":
      return { kind: "hold", reason: "too_late", message: sentence() };
  }
}

const sourceWords: Record<ZoneSource, string> = {
  contact: "the contact's own zone",
  company: "the company's zone",
  schedule: "the schedule's zone",
};

/** Whether a window is open at `at`: now, or for an email that is planned for later, then. */
export function windowGate(facts: SendFacts, at: Date): Gate<"window"> {
  const { schedule } = facts;
  const { zone, source } = zoneOf(facts);
  const named = { zone, zone_source: source, at };
  const fault = scheduleFault(schedule, zone);
  if (fault !== null) {
    const data = { ...named, local_time: null, is_open: false, opens_at: null, closes_at: null };
    return {
      name: "window",
      decision: { kind: "hold", ...fault },
      describe: () => ({ sentence: fault.message, data }),
    };
  }
  const plan = planAt(facts, zone, at);
  const decision = windowDecision(plan, { zone, at, schedule });
  return {
    name: "window",
    decision,
    describe: () => {
      const window = nextWindow(schedule, zone, at);
      const open = `A sending window is open at ${localMoment(at, zone)} in ${zone}, ${sourceWords[source]}`;
      return {
        sentence:
          decision === null
            ? `${open}; it closes at ${window === null ? "no time" : localMoment(window.end, zone)}.`
            : `${decision.message.replace(/\.$/, "")} (${sourceWords[source]}).`,
        data: { ...named, local_time: localMoment(at, zone), is_open: decision === null, ...edges(window) },
      };
    },
  };
}

function edges(window: SendingWindow | null): Pick<GateData["window"], "opens_at" | "closes_at"> {
  return { opens_at: window?.start ?? null, closes_at: window?.end ?? null };
}

function planAt({ schedule, enrollment, execution }: SendFacts, zone: string, at: Date): SendTimePlan {
  return planSendTime({ schedule, zone, dueAt: at, seed: spreadSeed(enrollment.id, execution.stepKey) });
}

function windowDecision(
  plan: SendTimePlan,
  { zone, at, schedule }: { zone: string; at: Date; schedule: Schedule },
): Extract<NotNow, { message: string }> | null {
  switch (plan.kind) {
    case "open":
      return null;
    case "never":
      return {
        kind: "hold",
        reason: "window_never_opens",
        message: "The schedule has no window in the next 400 days.",
      };
    case "deferred": {
      const message = describeDeferral({ plan, zone, dueAt: at, schedule });
      return { kind: "defer", at: plan.at, reason: "outside_window", message };
    }
  }
}

/**
 * Whether the local date at `at` is closed, and if so why. What the window gate decides holds for it as well: a closed
 * date is one of the reasons why no window is open, and this gate is for those who want to know which.
 */
export function holidayGate(facts: SendFacts, at: Date): Gate<"holiday"> {
  const { decision } = windowGate(facts, at);
  const { zone } = zoneOf(facts);
  if (scheduleFault(facts.schedule, zone) !== null) {
    const data = { date: null, kind: null, holiday_name: null };
    const sentence = "Whether its local date is a holiday is not known: see the window.";
    return { name: "holiday", decision: null, describe: () => ({ sentence, data }) };
  }
  const local = localTime(zone, at.getTime());
  const day = Math.floor(local / DAY);
  const closure = closureOn(facts.schedule, day);
  const isClosed = isClosedAt(closure, local - day * DAY);
  return {
    name: "holiday",
    // An overnight window of the evening before still runs into a closed date.
    decision: isClosed ? decision : null,
    describe: () => ({
      sentence: describeClosure(isoDate(day), closure, isClosed && decision === null),
      data: {
        date: isoDate(day),
        kind: closure?.kind ?? null,
        holiday_name: closure?.kind === "holiday" ? closure.name : null,
      },
    }),
  };
}

function isClosedAt(closure: Closure | null, millisecondsOfDay: number): boolean {
  if (closure?.kind === "holiday") return millisecondsOfDay >= closure.closedFromMinute * MINUTE;
  return closure?.kind === "closed_date";
}

function describeClosure(date: string, closure: Closure | null, isStillOpen: boolean): string {
  if (closure === null) return `${date} is no holiday or closed date.`;
  const still = isStillOpen ? ", but the window of the evening before is still open" : "";
  switch (closure.kind) {
    case "closed_date":
      return `${date} is a closed date of the schedule${still}.`;
    case "holiday": {
      const minutes = closure.closedFromMinute;
      const from = minutes === 0 ? "" : ` from ${new Date(minutes * MINUTE).toISOString().slice(11, 16)} on`;
      return `${date} is a public holiday${from}, ${closure.name}${still}.`;
    }
    case "special_hours":
      return `${date} has hours of its own in the schedule.`;
    default:
      return unreachable(closure);
  }
}
