import { ATTEMPTS_MAX, backoffMilliseconds } from "@dripline/domain/backoff";
import type { Pace } from "@dripline/domain/delay";
import { unreachable } from "@dripline/domain/unreachable";
import type { Refused, Reply, Unreachable } from "@dripline/mail/transport";
import type { Unmarked } from "./deliver-under-lease.ts";

export type SendOutcome =
  | { readonly kind: "sent"; readonly response: string }
  | { readonly kind: "retry"; readonly at: Date; readonly reason: string; readonly message: string }
  /** Tried again later, and the attempt does not count: what went wrong says nothing about this email. */
  | { readonly kind: "release"; readonly at: Date; readonly reason: string; readonly message: string }
  | { readonly kind: "failed"; readonly reason: string; readonly message: string }
  | { readonly kind: "in_doubt"; readonly reason: string; readonly message: string }
  /** Somebody else holds this execution now: nothing was sent, and nothing is ours to record. */
  | { readonly kind: "fenced" };

/** Whether the person may have got the email: then it counts under every limit. */
export function mayHaveLeft(outcome: SendOutcome): boolean {
  return outcome.kind === "sent" || outcome.kind === "in_doubt";
}

/** Our own settings are wrong, or the server refuses us as a client: asked again at this interval, whatever the attempt. */
const unusableTransportMilliseconds = 60_000;

/** The database was away for a moment. */
const unmarkedMilliseconds = 5_000;

/**
 * What the reply of the mail server means for the execution. 4xx and network errors are transient and use up attempts;
 * 5xx is permanent; a wrong password or certificate says nothing about this email and uses up none (RFC 5321 section 4.2.1).
 */
export function decideOutcome(
  reply: Reply | Unmarked,
  attempt: { readonly executionId: string; readonly attemptCount: number },
  now: Date,
  pace: Pace,
): SendOutcome {
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
      };
    case "refused":
    case "unreachable": {
      const trouble = reply.kind === "refused" ? describeRefusal(reply) : describeFailure(reply);
      if (trouble.kind === "permanent") return { kind: "failed", reason: "refused_5xx", message: trouble.message };
      if (trouble.kind === "unusable") {
        const at = new Date(now.getTime() + unusableTransportMilliseconds);
        return { kind: "release", at, reason: "transport_unusable", message: trouble.message };
      }
      if (attempt.attemptCount >= ATTEMPTS_MAX) {
        const message = `${trouble.message} That was attempt ${attempt.attemptCount} of ${ATTEMPTS_MAX}.`;
        return { kind: "failed", reason: "attempts_used_up", message };
      }
      const wait = backoffMilliseconds(attempt.attemptCount, attempt.executionId, pace);
      return { kind: "retry", at: new Date(now.getTime() + wait), reason: trouble.reason, message: trouble.message };
    }
    default:
      return unreachable(reply);
  }
}

interface Trouble {
  readonly kind: "permanent" | "transient" | "unusable";
  readonly reason: string;
  readonly message: string;
}

function describeRefusal(reply: Refused): Trouble {
  const message = `The mail server refused the message: ${reply.response}`;
  if (reply.permanent) return { kind: "permanent", reason: "refused_5xx", message };
  if (reply.phase === "connect" && reply.code >= 500) {
    return { kind: "unusable", reason: "transport_unusable", message: `The mail server refuses us: ${reply.response}` };
  }
  return { kind: "transient", reason: "refused_4xx", message };
}

function describeFailure(reply: Unreachable): Trouble {
  if (reply.cause === "network") {
    const message = `The mail server could not be reached: ${reply.error}`;
    return { kind: "transient", reason: "server_unreachable", message };
  }
  const message = `The mail server cannot be used (${reply.cause}): ${reply.error}`;
  return { kind: "unusable", reason: "transport_unusable", message };
}
