import { ATTEMPTS_MAX } from "./backoff.ts";
import { backoffGates } from "./backoff-gates.ts";
import { calendarGates, holidayGate } from "./calendar-gates.ts";
import { decideSend, firstObstacle, type NotNow, type SendDecision, type SendFacts } from "./decide-send.ts";
import { type Pace, REAL_PACE } from "./delay.ts";
import type { DeliveryBackoff } from "./delivery-backoff.ts";
import { describeInstant } from "./describe-instant.ts";
import { type ExecutionRecord, summarize } from "./explain-status.ts";
import { adoptRemedy, type ClosedFence } from "./fence.ts";
import { type Gate, type GateData, type GateName, readingZone } from "./gate.ts";
import { attemptsGate, fenceGate, plainGates } from "./gates.ts";
import { type Throttle, throttleGate } from "./throttle-gate.ts";

export interface ExplainFacts extends SendFacts {
  readonly record: ExecutionRecord;
}

/** What one gate says, in data and as a sentence. */
export type ExplainedGate = {
  [N in GateName]: {
    readonly name: N;
    readonly passed: boolean;
    /** What happens instead of the email if this is the first closed gate; null if it passed or decides nothing. */
    readonly instead: NotNow["kind"] | null;
    readonly sentence: string;
    readonly data: GateData[N];
  };
}[GateName];

export interface Explanation {
  /** All gates, in the order in which an operator would ask. */
  readonly gates: readonly ExplainedGate[];
  /** At which moment lateness, window and holiday were looked at: now, or for an email that is planned for later, then. */
  readonly judgedAt: Date;
  /** What would be decided then if nothing changes until then; limits included. Null if it has no timer. */
  readonly decision: Exclude<SendDecision, { kind: "stale" | "early" }> | null;
  /** When it may go out next; null if that depends on somebody, or it is over. */
  readonly nextTryAt: Date | null;
  readonly summary: string;
}

/**
 * Why an email goes out when it does, or does not: every gate that the worker asks, asked all of them, where the worker
 * stops at the first that is closed. `now` is the database's clock. The gates speak of now and of the plan; of an email
 * that is over (sent, skipped) they do not say how things stood then.
 */
export function explainSend(
  facts: ExplainFacts,
  now: Date,
  pace: Pace = REAL_PACE,
  throttle: Throttle | null = null,
  backoffs: readonly DeliveryBackoff[] = [],
  fence: ClosedFence | null = null,
): Explanation {
  const { scheduledFor } = facts.execution;
  const judgedAt = scheduledFor > now ? scheduledFor : now;
  const places = [...backoffGates(facts, judgedAt, backoffs), throttleGate(facts, now, judgedAt, throttle)];
  const gates = [
    fenceGate(fence),
    ...plainGates(facts, now),
    ...calendarGates(facts, judgedAt, pace),
    holidayGate(facts, judgedAt),
    ...places,
    attemptsGate(facts),
  ];
  const decision = fence === null ? decideThen(facts, judgedAt, pace, places) : null;
  const fenced = fence === null || facts.execution.status !== "scheduled" ? "" : ` ${fence.message} ${adoptRemedy}`;
  return {
    gates: gates.map((gate) => explainGate(gate, isPassed(gate, facts, fence), facts, judgedAt > now)),
    judgedAt,
    decision,
    nextTryAt: nextTry(decision, judgedAt),
    summary: summarize(facts, facts.record, { decision, now, judgedAt }) + fenced,
  };
}

/** Places are what the worker takes after it decided to deliver, in their order. */
function decideThen(facts: SendFacts, judgedAt: Date, pace: Pace, places: readonly Gate[]): Explanation["decision"] {
  const decision = decideSend(facts, facts.execution.generation, judgedAt, pace);
  if (decision.kind === "stale" || decision.kind === "early") return null;
  const instead = firstObstacle(places);
  if (decision.kind !== "deliver" || instead === undefined || instead.kind === "early") return decision;
  return instead;
}

function nextTry(decision: Explanation["decision"], judgedAt: Date): Date | null {
  if (decision?.kind === "deliver") return judgedAt;
  return decision?.kind === "defer" ? decision.at : null;
}

const asOfThePlan: ReadonlySet<GateName> = new Set(["lateness", "window", "holiday"]);

/** What decides nothing is closed all the same. */
function isPassed(gate: Gate, facts: SendFacts, fence: ClosedFence | null): boolean {
  if (gate.name === "fence") return fence === null;
  return gate.name === "attempts" ? !isUsedUp(facts) : gate.decision === null;
}

function explainGate(gate: Gate, passed: boolean, facts: ExplainFacts, isPlannedForLater: boolean): ExplainedGate {
  const { sentence, data } = gate.describe();
  const more = gate.name === "delay" ? ` ${delayBegan(facts)}` : "";
  const moment = isPlannedForLater && asOfThePlan.has(gate.name) ? "At its planned moment: " : "";
  return {
    name: gate.name,
    passed,
    instead: gate.decision?.kind ?? null,
    sentence: `${moment === "" ? capitalized(sentence) : `${moment}${uncapitalized(sentence)}`}${more}`,
    data: gate.name === "delay" ? { ...data, counts_from: facts.record.countsFrom } : data,
  } as ExplainedGate; // each gate's data belongs to its name; the compiler does not follow a union through
}

function delayBegan(facts: ExplainFacts): string {
  const local = (at: Date) => describeInstant(at, readingZone(facts));
  return `Its delay counts from ${local(facts.record.countsFrom)} and ends at ${local(facts.execution.dueAt)}.`;
}

/** The last attempt that failed closed this gate. A row that still has its timer is tried, whatever was counted. */
function isUsedUp({ execution: { status, attemptCount } }: SendFacts): boolean {
  return status === "failed" && attemptCount >= ATTEMPTS_MAX;
}

function capitalized(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}

function uncapitalized(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}
