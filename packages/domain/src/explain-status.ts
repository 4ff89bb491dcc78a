import type { SendDecision, SendFacts } from "./decide-send.ts";
import { describeInstant } from "./describe-instant.ts";
import { readingZone } from "./gate.ts";
import { maySendAgain } from "./may-send-again.ts";
import type { InDoubtPolicy } from "./statuses.ts";
import { unreachable } from "./unreachable.ts";

/** What a row says about itself beyond what a decision needs. */
export interface ExecutionRecord {
  readonly countsFrom: Date;
  readonly holdReason: string | null;
  readonly heldAt: Date | null;
  readonly phase: "claimed" | "data" | null;
  readonly leaseUntil: Date | null;
  readonly sentAt: Date | null;
  readonly messageId: string | null;
  readonly errorMessage: string | null;
  /** When the enrollment goes on by itself; only while it is paused. */
  readonly resumeAt: Date | null;
  readonly inDoubtPolicy: InDoubtPolicy;
  readonly sequenceId: string;
  readonly lastEvent: { readonly at: Date; readonly message: string; readonly actor: string } | null;
}

interface Moment {
  readonly decision: Exclude<SendDecision, { kind: "stale" | "early" }> | null;
  readonly now: Date;
  readonly judgedAt: Date;
}

/** How it stands with one execution and what comes next, or who has to do what, in a sentence or three. */
export function summarize(facts: SendFacts, record: ExecutionRecord, moment: Moment): string {
  const local = (at: Date) => describeInstant(at, readingZone(facts));
  const { status } = facts.execution;
  switch (status) {
    case "scheduled":
      return summarizeScheduled(facts, moment, local);
    case "pending":
      return summarizeHeld(facts, record, local);
    case "sending":
      return summarizeSending(record, local);
    case "sent": {
      const when = record.sentAt === null ? "It was sent" : `It was sent at ${local(record.sentAt)}`;
      return record.messageId === null ? `${when}.` : `${when}, with the Message-ID ${record.messageId}.`;
    }
    case "failed":
      return `It failed: ${ended(record.errorMessage ?? record.lastEvent?.message ?? "no reason was recorded")} Put that right, then: dripline retry ${facts.execution.id}`;
    case "in_doubt":
      return summarizeInDoubt(facts, record);
    case "skipped": {
      const why = record.lastEvent?.message ?? record.errorMessage ?? "no reason was recorded";
      const when = record.lastEvent === null ? "" : ` at ${local(record.lastEvent.at)}, by ${record.lastEvent.actor}`;
      return `It was skipped${when}, and will not be sent: ${ended(why)}`;
    }
    default:
      return unreachable(status);
  }
}

type Local = (at: Date) => string;

function summarizeScheduled(facts: SendFacts, { decision, now, judgedAt }: Moment, local: Local): string {
  if (decision === null) return "It is scheduled.";
  const { scheduledFor } = facts.execution;
  const isLater = judgedAt > now;
  if (decision.kind === "deliver") {
    return isLater
      ? `It goes out at ${local(judgedAt)}, if nothing changes until then.`
      : `It is due since ${local(scheduledFor)} and goes out as soon as a worker takes it.`;
  }
  const opening = isLater
    ? `It is planned for ${local(scheduledFor)}, but would not go out then`
    : `It is due since ${local(scheduledFor)}, but does not go out now`;
  switch (decision.kind) {
    case "defer":
      return `${opening}: ${ended(decision.message)} It goes out at ${local(decision.at)}.`;
    case "hold":
      return `${opening}: it is held. ${ended(decision.message)}`;
    case "skip":
      return `${opening}: it is skipped, and the next step follows. ${ended(decision.message)}`;
    case "stop":
      return `${opening}: it is skipped, and the enrollment ends. ${ended(decision.message)}`;
    default:
      return unreachable(decision);
  }
}

function summarizeHeld(facts: SendFacts, record: ExecutionRecord, local: Local): string {
  const since = record.heldAt === null ? "" : ` since ${local(record.heldAt)}`;
  const why = record.errorMessage ?? reasonSentences[record.holdReason ?? ""] ?? `its reason is ${record.holdReason}`;
  return `It is held${since}: ${ended(why)} ${release(facts, record, local)}`;
}

const reasonSentences: Readonly<Record<string, string>> = {
  sequence_paused: "The sequence is paused.",
  enrollment_paused: "The enrollment is paused.",
};

function release({ execution, enrollment }: SendFacts, record: ExecutionRecord, local: Local): string {
  const retry = `dripline retry ${execution.id}`;
  switch (record.holdReason) {
    case "sequence_paused":
      return `Resuming the sequence releases it: POST /api/v1/email-sequences/${record.sequenceId}/resume/`;
    case "enrollment_paused": {
      const byItself = record.resumeAt === null ? "" : `It goes on by itself at ${local(record.resumeAt)}. `;
      return `${byItself}Resuming the enrollment releases it: POST /api/v1/sequence-enrollments/${enrollment.id}/resume/`;
    }
    case "window_never_opens":
      return `Give the schedule a window, then: ${retry}`;
    case "unknown_time_zone":
      return `Give the schedule a time zone that exists, then: ${retry}`;
    case "maybe_sent_before_restore":
      return `If it was sent, skip it: POST /api/v1/sequence-executions/${execution.id}/skip/. To send it: ${retry}`;
    case "too_late":
      return `To send it all the same: ${retry}`;
    default:
      return `Put that right, then: ${retry}`;
  }
}

function summarizeSending({ phase, leaseUntil }: ExecutionRecord, local: Local): string {
  const until = leaseUntil === null ? "the end of its lease" : local(leaseUntil);
  return phase === "data"
    ? `A worker is handing it to the mail server. If no answer is recorded by ${until}, it becomes in_doubt: it may have arrived or not.`
    : `A worker is sending it. Nothing has left this machine yet: if the worker died, it is tried again at ${until}.`;
}

function summarizeInDoubt(facts: SendFacts, record: ExecutionRecord): string {
  const why = ended(record.errorMessage ?? record.lastEvent?.message ?? "no answer of the mail server was recorded");
  const search =
    record.messageId === null ? "" : ` Look for its Message-ID ${record.messageId} in the mail server's log.`;
  return `It may have arrived or not: ${why} ${whoWaits(facts, record)}${search} ${howToSettle(facts)}`;
}

/** What became of the enrollment is in the row: the policy may have been changed since. */
function whoWaits({ execution, enrollment }: SendFacts, { inDoubtPolicy }: ExecutionRecord): string {
  if (execution.hasAdvanced) return "The sequence went on with the next step.";
  if (enrollment.status !== "active" && enrollment.status !== "paused")
    return `The enrollment is ${enrollment.status}.`;
  const noMore = inDoubtPolicy === "resend" ? "The policy `resend` does not send it again by itself any more. " : "";
  return `${noMore}The enrollment waits until somebody decides.`;
}

function howToSettle({ execution, enrollment }: SendFacts): string {
  const settle = `dripline settle ${execution.id}`;
  return maySendAgain(enrollment.status, execution.hasAdvanced ?? false)
    ? `If it arrived: ${settle} --sent. To send the same message again: ${settle} --resend`
    : `To close it: ${settle} --sent. It cannot be sent again, because the enrollment is ${enrollment.status}.`;
}

function ended(sentence: string): string {
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}
