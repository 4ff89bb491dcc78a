import { ATTEMPTS_MAX, backoffMilliseconds } from "@dripline/domain/backoff";
import type { Pace } from "@dripline/domain/delay";
import type { BackoffReason } from "@dripline/domain/delivery-backoff";
import { unreachable } from "@dripline/domain/unreachable";
import { classifyRefusal } from "@dripline/mail/classify-refusal";
import type { Refused, Reply, Unreachable } from "@dripline/mail/transport";
import type { Unmarked } from "./deliver-under-lease.ts";

export type SendOutcome =
  | { readonly kind: "sent"; readonly response: string }
  | ({ readonly kind: "retry"; readonly at: Date } & Trouble)
  /** Tried again later, and the attempt does not count: what went wrong says nothing about this email. */
  | ({ readonly kind: "release"; readonly at: Date } & Trouble)
  | ({ readonly kind: "failed" } & Trouble)
  | { readonly kind: "in_doubt"; readonly reason: string; readonly message: string }
  /** Somebody else holds this execution now: nothing was sent, and nothing is ours to record. */
  | { readonly kind: "fenced" };

/** What went wrong: for machines, for people, in the server's own codes, and what it means for the emails after it. */
interface Trouble {
  readonly reason: string;
  readonly message: string;
  readonly smtpCode: number | null;
  readonly enhancedCode: string | null;
  readonly slowsDown: BackoffReason | null;
}

/** Whether the person may have got the email: then it counts under every limit. */
export function mayHaveLeft(outcome: SendOutcome): boolean {
  return outcome.kind === "sent" || outcome.kind === "in_doubt";
}

/** Then it takes its turn, as everything does while the transport is slowed down. */
const unusableTransportMilliseconds = 60_000;

/** The database was away for a moment. */
const unmarkedMilliseconds = 5_000;

interface Attempt {
  readonly executionId: string;
  readonly attemptCount: number;
}

/**
 * What the reply of the mail server means for the execution, and for the emails after it. What may pass is retried and
 * uses up attempts (RFC 5321 section 4.2.1); what is about us and not about this email (a wrong password, a server that
 * does not want us as a client) uses up none. The whole table is in docs/semantics.md.
 */
export function decideOutcome(reply: Reply | Unmarked, attempt: Attempt, now: Date, pace: Pace): SendOutcome {
  switch (reply.kind) {
    case "accepted":
      return { kind: "sent", response: reply.response };
    case "fenced":
      return { kind: "fenced" };
    case "called_off":
      return {
        kind: "release",
        at: now,
        reason: "worker_stopping",
        message: "The worker was told to stop before the message left: nothing was sent, another worker takes it.",
        ...noCodes,
        slowsDown: null,
      };
    case "in_doubt":
      return {
        kind: "in_doubt",
        reason: "no_final_reply",
        message: `The message was handed over, but no reply came (${reply.error}): it may have been delivered or not.`,
      };
    case "unmarked":
      return {
        kind: "release",
        at: new Date(now.getTime() + unmarkedMilliseconds),
        reason: "database_unavailable",
        message: "The database did not answer before the message was to leave: nothing was sent.",
        ...noCodes,
        slowsDown: null,
      };
    case "refused":
      return decideRefusal(reply, attempt, now, pace);
    case "unreachable":
      return decideFailure(reply, attempt, now, pace);
    default:
      return unreachable(reply);
  }
}

const noCodes = { smtpCode: null, enhancedCode: null };

function decideRefusal(reply: Refused, attempt: Attempt, now: Date, pace: Pace): SendOutcome {
  const { response } = reply;
  const codes = codesOf(reply);
  const trouble = (reason: string, message: string, slowsDown: BackoffReason | null = null): Trouble => {
    return { reason, message, ...codes, slowsDown };
  };
  const refusal = classifyRefusal(reply);
  switch (refusal) {
    case "client":
      return release(
        trouble("transport_unusable", `The mail server refuses us: ${response}`, "transport_unusable"),
        now,
      );
    case "sender": {
      const message = `The mail server refuses us as a sender, not the address: ${response}`;
      return { kind: "failed", ...trouble("sender_refused", message, "sender_refused") };
    }
    case "address": {
      const message = `The mail server says that there is no such address: ${response} It is suppressed from now on.`;
      return { kind: "failed", ...trouble("hard_bounce", message) };
    }
    case "permanent":
      return { kind: "failed", ...trouble("refused_5xx", `The mail server refused the message: ${response}`) };
    case "mailbox_full":
      return retry(trouble("mailbox_full", `The mailbox is full: ${response}`), attempt, now, pace);
    case "throttled": {
      const message = `The mail server takes no more for the moment: ${response}`;
      return retry(trouble("rate_limited", message, "transport_throttled"), attempt, now, pace);
    }
    case "slow_down": {
      const message = `The mail server asks for fewer emails: ${response}`;
      return retry(trouble("rate_limited", message, "domain_slowed"), attempt, now, pace);
    }
    case "transient":
      return retry(trouble("refused_4xx", `The mail server refused the message: ${response}`), attempt, now, pace);
    default:
      return unreachable(refusal);
  }
}

function decideFailure(reply: Unreachable, attempt: Attempt, now: Date, pace: Pace): SendOutcome {
  const codes = codesOf(reply);
  if (reply.cause === "network") {
    const message = `The mail server could not be reached: ${reply.error}`;
    return retry({ reason: "server_unreachable", message, ...codes, slowsDown: null }, attempt, now, pace);
  }
  const message = `The mail server cannot be used (${reply.cause}): ${reply.error}`;
  return release({ reason: "transport_unusable", message, ...codes, slowsDown: "transport_unusable" }, now);
}

function codesOf(reply: Refused | Unreachable): Pick<Trouble, "smtpCode" | "enhancedCode"> {
  return { smtpCode: reply.code ?? null, enhancedCode: reply.enhancedCode ?? null };
}

function release(trouble: Trouble, now: Date): SendOutcome {
  return { kind: "release", at: new Date(now.getTime() + unusableTransportMilliseconds), ...trouble };
}

function retry(trouble: Trouble, attempt: Attempt, now: Date, pace: Pace): SendOutcome {
  if (attempt.attemptCount >= ATTEMPTS_MAX) {
    const message = `${trouble.message} That was attempt ${attempt.attemptCount} of ${ATTEMPTS_MAX}.`;
    return { kind: "failed", ...trouble, reason: "attempts_used_up", message };
  }
  const wait = backoffMilliseconds(attempt.attemptCount, attempt.executionId, pace);
  return { kind: "retry", at: new Date(now.getTime() + wait), ...trouble };
}
