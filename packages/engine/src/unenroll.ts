import type { Queryable } from "@dripline/db/database";
import { type EndEnrollments, endEnrollments } from "@dripline/db/end-enrollments";

export interface UnenrollRequest {
  readonly enrollmentId: string;
  readonly to: "cancelled" | "paused" | "unsubscribed";
  /** Why, in the words of whoever does it; may be empty. */
  readonly note: string;
  /** The principal, for the record. */
  readonly actor: string;
  readonly now: Date;
}

export type UnenrollResult =
  | { readonly kind: "unenrolled" }
  | { readonly kind: "unknown" }
  | { readonly kind: "not_live"; readonly status: string };

/** Takes a contact out of a sequence: every open execution becomes skipped, and the notes get a line with the time. */
export async function unenroll(db: Queryable, request: UnenrollRequest): Promise<UnenrollResult> {
  const { enrollmentId } = request;
  const moved = await endEnrollments(db, { enrollmentIds: [enrollmentId], ...unenrollmentOf(request) });
  if (moved.length === 1) return { kind: "unenrolled" };
  const { rows } = await db.query("select status from sequence_enrollment where id = $1", [enrollmentId]);
  return rows[0] === undefined ? { kind: "unknown" } : { kind: "not_live", status: rows[0].status };
}

/** The end of one or many that somebody takes out. */
export function unenrollmentOf({
  to,
  note,
  actor,
  now,
}: Omit<UnenrollRequest, "enrollmentId">): Omit<EndEnrollments, "enrollmentIds"> {
  return {
    to,
    endReason: "unenrolled",
    note: note === "" ? `Unenrolled (${to}) by ${actor}.` : `Unenrolled (${to}) by ${actor}: ${note}`,
    now,
    actor,
  };
}
