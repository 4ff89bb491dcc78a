import type { EnrollmentStatus, SequenceStatus } from "./statuses.ts";

/** What an action on one of many would do: move it, or leave it, and why. */
export type Judgement<Reason extends string> =
  | { readonly kind: "moves" }
  | { readonly kind: "stays"; readonly reason: Reason; readonly message: string };

const moves = { kind: "moves" } as const;

/** Whether a sequence that stands like this is moved by pausing, resuming or archiving it. */
export function judgeSequence(
  status: SequenceStatus,
  to: SequenceStatus,
): Judgement<"already_done" | "sequence_archived"> {
  if (status === to) return { kind: "stays", reason: "already_done", message: `The sequence is ${status} already.` };
  if (status === "archived" && to === "paused") {
    const message = "The sequence is archived: resume it before pausing it.";
    return { kind: "stays", reason: "sequence_archived", message };
  }
  return moves;
}

export interface EnrollmentStanding {
  readonly status: EnrollmentStatus;
  /** Only while paused: when it goes on by itself. */
  readonly resumeAt: Date | null;
}

export type EnrollmentMove =
  | { readonly to: "active" | "completed" | "cancelled" | "unsubscribed" }
  /** With `until` it goes on by itself; undefined: what waited is skipped, and no date is set. */
  | { readonly to: "paused"; readonly until: Date | null | undefined };

/** Whether an enrollment that stands like this is moved; another date of a pause is a move, too. */
export function judgeEnrollment(
  { status, resumeAt }: EnrollmentStanding,
  move: EnrollmentMove,
): Judgement<"already_done" | "enrollment_not_live"> {
  if (status === move.to) {
    const hasOtherDate =
      move.to === "paused" && move.until !== undefined && move.until?.getTime() !== resumeAt?.getTime();
    if (hasOtherDate) return moves;
    return { kind: "stays", reason: "already_done", message: `The enrollment is ${status} already.` };
  }
  if (status === "active" || status === "paused") return moves;
  return { kind: "stays", reason: "enrollment_not_live", message: `The enrollment is ${status}.` };
}
