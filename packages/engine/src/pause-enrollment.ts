import type { Queryable } from "@dripline/db/database";
import { pauseEnrollments } from "@dripline/db/pause-enrollments";
import { enrollmentStatus } from "@dripline/db/queries/enrollment-status";

export interface PauseEnrollmentRequest {
  readonly enrollmentId: string;
  /** When it goes on by itself; null if somebody has to resume it. */
  readonly until: Date | null;
  /** Why, in the words of whoever does it; may be empty. */
  readonly note: string;
  /** The principal, for the record. */
  readonly actor: string;
  readonly now: Date;
}

export type LifecycleResult =
  | { readonly kind: "done" }
  | { readonly kind: "unknown" }
  | { readonly kind: "not_live"; readonly status: string };

/**
 * Stops the clock of one enrollment. Of one that is paused already it changes the date, and nothing else. Call it in a
 * transaction.
 */
export async function pauseEnrollment(db: Queryable, request: PauseEnrollmentRequest): Promise<LifecycleResult> {
  const { enrollmentId, until, actor, now } = request;
  const note = pauseNote(request);
  const moved = await pauseEnrollments(db, { enrollmentIds: [enrollmentId], resumeAt: until, note, now, actor });
  if (moved.length === 1) return { kind: "done" };
  const status = await enrollmentStatus(db, enrollmentId);
  if (status === undefined) return { kind: "unknown" };
  return status === "paused" ? { kind: "done" } : { kind: "not_live", status };
}

/** The line that a pause leaves in the notes of one or many. */
export function pauseNote({ until, note, actor }: Pick<PauseEnrollmentRequest, "until" | "note" | "actor">): string {
  const what = until === null ? "Paused" : `Paused until ${until.toISOString()}`;
  return `${what} by ${actor}${note === "" ? "." : `: ${note}`}`;
}
