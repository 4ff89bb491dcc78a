import type { Queryable } from "@dripline/db/database";
import { type EndEnrollments, endEnrollments } from "@dripline/db/end-enrollments";
import { enrollmentStatus } from "@dripline/db/queries/enrollment-status";
import type { LifecycleResult } from "./pause-enrollment.ts";

export interface CompleteRequest {
  readonly enrollmentId: string;
  /** Why, in the words of whoever does it; may be empty. */
  readonly note: string;
  /** The principal, for the record. */
  readonly actor: string;
  readonly now: Date;
}

/** Somebody says that this journey has reached its goal: it completes, and what was waiting is skipped. Call it in a transaction. */
export async function completeEnrollment(db: Queryable, request: CompleteRequest): Promise<LifecycleResult> {
  const { enrollmentId } = request;
  const moved = await endEnrollments(db, { enrollmentIds: [enrollmentId], ...completionOf(request) });
  if (moved.length === 1) return { kind: "done" };
  const status = await enrollmentStatus(db, enrollmentId);
  return status === undefined ? { kind: "unknown" } : { kind: "not_live", status };
}

/** The end of one or many that somebody completes. */
export function completionOf({
  note,
  actor,
  now,
}: Omit<CompleteRequest, "enrollmentId">): Omit<EndEnrollments, "enrollmentIds"> {
  return {
    to: "completed",
    endReason: "completed_by_operator",
    note: note === "" ? `Completed by ${actor}.` : `Completed by ${actor}: ${note}`,
    now,
    actor,
  };
}
