import type { MovedBy } from "@dripline/db/arrow";
import type { Queryable } from "@dripline/db/database";
import { enrollmentStatus } from "@dripline/db/queries/enrollment-status";
import { resumeEnrollments as resumeRows } from "@dripline/db/resume-enrollments";
import type { Pace } from "@dripline/domain/delay";
import { openStranded } from "./open-stranded.ts";
import type { LifecycleResult } from "./pause-enrollment.ts";
import { releaseAfterPause } from "./release-after-pause.ts";
import type { PendingWake } from "./wake-after-commit.ts";

export interface ResumeRequest extends MovedBy {
  /** Why, in the words of whoever does it; may be empty. */
  readonly note: string;
  readonly pace: Pace;
}

export interface Resumed {
  readonly enrollmentIds: readonly string[];
  /** For after the commit. */
  readonly wakes: readonly PendingWake[];
}

/**
 * Lets the clock of these enrollments go on where it stopped. One in which nothing is open any more (it was unenrolled
 * with the status `paused`, which skips what was waiting) goes on with the step after the last, whose delay counts from
 * now; if none is left it completes. Enrollments that are not paused are left alone. Call it in a transaction.
 */
export async function resumeEnrollments(
  db: Queryable,
  enrollmentIds: readonly string[],
  request: ResumeRequest,
): Promise<Resumed> {
  const { now, actor, pace } = request;
  const note = `Resumed by ${actor}${request.note === "" ? "." : `: ${request.note}`}`;
  const resumed = await resumeRows(db, { enrollmentIds, note, now });
  const { wakes } = await releaseAfterPause(db, { enrollmentIds: resumed }, { now, actor });
  const opened = await openStranded(db, resumed, { now, actor, pace });
  return { enrollmentIds: resumed, wakes: [...wakes, ...opened.wakes] };
}

/** The same for one enrollment that somebody names. One that is active already is left as it is. */
export async function resumeEnrollment(
  db: Queryable,
  enrollmentId: string,
  request: ResumeRequest,
): Promise<
  Exclude<LifecycleResult, { kind: "done" }> | { readonly kind: "done"; readonly wakes: readonly PendingWake[] }
> {
  const { enrollmentIds, wakes } = await resumeEnrollments(db, [enrollmentId], request);
  if (enrollmentIds.length === 1) return { kind: "done", wakes };
  const status = await enrollmentStatus(db, enrollmentId);
  if (status === undefined) return { kind: "unknown" };
  return status === "active" ? { kind: "done", wakes: [] } : { kind: "not_live", status };
}
