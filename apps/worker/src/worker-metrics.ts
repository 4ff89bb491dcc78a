import type { Reply } from "@dripline/mail/transport";
import { type MetricRegistry, makeCounter, makeGauge, makeHistogram } from "@dripline/telemetry/instruments";

/** What became of an email, as it is counted. `not_handed_over`: nothing left, and no attempt was used up. */
export const countedOutcomes = ["sent", "retried", "failed", "in_doubt", "held", "not_handed_over"] as const;
export type CountedOutcome = (typeof countedOutcomes)[number];

/** The parts of a delivery, in their order; `mark` is our own database, asked before the body. */
export const smtpPhases = ["connection", "envelope", "mark", "body"] as const;
export type SmtpPhase = (typeof smtpPhases)[number];

/** What a worker counts. Each is a number that goes up in this process: nothing is asked, nothing waited for. */
export interface WorkerMetrics {
  /** Once the record is committed, so that the numbers are those of the database. */
  outcome(outcome: CountedOutcome): void;
  lateness(seconds: number): void;
  smtpPhase(phase: SmtpPhase, seconds: number): void;
  /** An answer that nobody waited for (called off, fenced) says nothing about the mail server and is not counted. */
  smtpReply(reply: Reply): void;
  claimLost(): void;
  inHand(emails: number): void;
  sweepFound(sweep: string, rows: number): void;
  sweepFailed(sweep: string): void;
}

export function makeWorkerMetrics(registry: MetricRegistry): WorkerMetrics {
  const sends = makeCounter(registry, "dripline_sends_total");
  const lateness = makeHistogram(registry, "dripline_send_lateness_seconds");
  const phases = makeHistogram(registry, "dripline_smtp_seconds");
  const replies = makeCounter(registry, "dripline_smtp_replies_total");
  const claimsLost = makeCounter(registry, "dripline_claims_lost_total");
  const inHand = makeGauge(registry, "dripline_in_hand");
  const found = makeCounter(registry, "dripline_sweep_found_total");
  const failures = makeCounter(registry, "dripline_sweep_failures_total");

  // From 0 on: a rate cannot see the rise of a counter that was not there before.
  for (const outcome of countedOutcomes) sends.inc({ outcome }, 0);
  for (const replyClass of ["2xx", "4xx", "5xx", "none"]) replies.inc({ class: replyClass }, 0);
  failures.inc({ sweep: "round" }, 0);

  return {
    outcome: (outcome) => sends.inc({ outcome }),
    lateness: (seconds) => lateness.observe(Math.max(0, seconds)),
    smtpPhase: (phase, seconds) => phases.observe({ phase }, seconds),
    smtpReply(reply) {
      const replyClass = classOf(reply);
      if (replyClass !== undefined) replies.inc({ class: replyClass });
    },
    claimLost: () => claimsLost.inc(),
    inHand: (emails) => inHand.set(emails),
    sweepFound(sweep, rows) {
      found.inc({ sweep }, rows);
      failures.inc({ sweep }, 0);
    },
    sweepFailed: (sweep) => failures.inc({ sweep }),
  };
}

function classOf(reply: Reply): "2xx" | "4xx" | "5xx" | "none" | undefined {
  switch (reply.kind) {
    case "accepted":
      return "2xx";
    case "refused":
    case "unreachable":
      if (reply.code === undefined) return "none";
      return reply.code >= 500 ? "5xx" : "4xx";
    case "in_doubt":
      return "none";
    default:
      return undefined;
  }
}
