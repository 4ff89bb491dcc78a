import { DateTime } from "luxon";
import type { NotNow, SendFacts } from "./decide-send.ts";
import { type Pace, REAL_PACE } from "./delay.ts";
import { describeInstant } from "./describe-instant.ts";
import { seededFraction } from "./seeded-fraction.ts";
import { planSendTime } from "./send-time.ts";
import { spreadSeed } from "./spread-seed.ts";
import type { ResolvedZone } from "./time-zone.ts";

/** Everything that leaves by our mail server. */
export const TRANSPORT_SCOPE = "transport";

/** Everything for one recipient domain: `domain:example.com`. Domains do not know case (RFC 5321 section 2.4). */
export function domainScope(domain: string): string {
  return `domain:${domain.toLowerCase()}`;
}

/** The domain of an address; an address without one has none that could be slowed down. */
export function domainOf(email: string): string {
  return email.slice(email.lastIndexOf("@") + 1).toLowerCase();
}

/** Why a scope is slowed down. */
export type BackoffReason = "transport_unusable" | "sender_refused" | "transport_throttled" | "domain_slowed";

export interface BackoffSteps {
  readonly firstSeconds: number;
  readonly longestSeconds: number;
}

/**
 * How long a scope waits between two emails: first so long, twice as long after each further failure, at most so long.
 * A wrong password is put right by somebody within minutes, so it is asked for often. A verdict about us as a sender
 * takes hours to change, and each further try that is refused makes it worse.
 */
const steps: Record<BackoffReason, BackoffSteps> = {
  transport_unusable: { firstSeconds: 60, longestSeconds: 1_800 },
  sender_refused: { firstSeconds: 300, longestSeconds: 14_400 },
  transport_throttled: { firstSeconds: 10, longestSeconds: 1_800 },
  domain_slowed: { firstSeconds: 30, longestSeconds: 3_600 },
};

/** A domain whose interval has come down to less is not slowed down any more. */
const domainOverSeconds = 4;

export function backoffScope(reason: BackoffReason, email: string): string {
  return reason === "domain_slowed" ? domainScope(domainOf(email)) : TRANSPORT_SCOPE;
}

/** The steps of one reason; they shrink with the pace, as every other wait does. */
export function backoffSteps(reason: BackoffReason, pace: Pace): BackoffSteps {
  const { firstSeconds, longestSeconds } = steps[reason];
  return { firstSeconds: paced(firstSeconds, pace), longestSeconds: paced(longestSeconds, pace) };
}

export function domainBackoffOverSeconds(pace: Pace): number {
  return paced(domainOverSeconds, pace);
}

function paced(seconds: number, pace: Pace): number {
  return (seconds * pace.dayMilliseconds) / REAL_PACE.dayMilliseconds;
}

/** Up to 10 % more or less, so that installations that were refused together do not ask again together. */
export function backoffJitter(seed: string): number {
  return 0.9 + 0.2 * seededFraction(seed);
}

/** A scope that is slowed down, and what the server said. */
export interface DeliveryBackoff {
  readonly scope: string;
  readonly reason: BackoffReason;
  readonly message: string;
  readonly since: Date;
  readonly nextAt: Date;
  readonly intervalSeconds: number;
}

/** The scope as people call it: "the mail server", or the domain. */
export function nameOfScope(scope: string): string {
  return scope === TRANSPORT_SCOPE ? "the mail server" : scope.slice("domain:".length);
}

/**
 * What happens instead of an email whose scope is slowed down and whose turn it is not: it comes back at `comeBackAt`, or
 * in the next window after it. No attempt is used.
 */
export function deferUnderBackoff(
  facts: SendFacts,
  { zone }: ResolvedZone,
  backoff: DeliveryBackoff,
  comeBackAt: Date,
): Extract<NotNow, { kind: "defer" | "hold" }> {
  const { schedule, enrollment, execution } = facts;
  const seed = spreadSeed(enrollment.id, execution.stepKey);
  const plan = planSendTime({ schedule, zone, dueAt: comeBackAt, seed });
  if (plan.kind === "never") {
    const message = "The schedule has no window in the next 400 days.";
    return { kind: "hold", reason: "window_never_opens", message };
  }
  const planned = DateTime.fromJSDate(plan.at, { zone }).setLocale("en").toFormat("cccc yyyy-MM-dd HH:mm:ss");
  const message = `${describeBackoff(backoff, zone)} Planned for ${planned} in ${zone}.`;
  const reason = backoff.scope === TRANSPORT_SCOPE ? "transport_backoff" : "domain_backoff";
  return { kind: "defer", at: plan.at, reason, message };
}

/** What keeps emails of this scope back, since when, and what the server said. */
export function describeBackoff({ scope, message, since }: DeliveryBackoff, zone: string): string {
  const what =
    scope === TRANSPORT_SCOPE
      ? "Sending stands still but for one email at a time that tries whether it works again"
      : `Emails to ${nameOfScope(scope)} leave one at a time`;
  return `${what}, since ${describeInstant(since, zone)}. ${/[.!?]$/.test(message) ? message : `${message}.`}`;
}
