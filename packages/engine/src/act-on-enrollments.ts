import { patientTransaction } from "@dripline/db/bulk-statement";
import type { Queryable } from "@dripline/db/database";
import { endEnrollments } from "@dripline/db/end-enrollments";
import { lockEnrollments, readEnrollmentStandings } from "@dripline/db/lock-enrollments";
import { pauseEnrollments } from "@dripline/db/pause-enrollments";
import type { Pace } from "@dripline/domain/delay";
import { type EnrollmentMove, type EnrollmentStanding, judgeEnrollment } from "@dripline/domain/judge-action";
import type { EnrollmentStatus } from "@dripline/domain/statuses";
import { unreachable } from "@dripline/domain/unreachable";
import { completionOf } from "./complete-enrollment.ts";
import { pauseNote } from "./pause-enrollment.ts";
import { resumeEnrollments } from "./resume-enrollments.ts";
import { unenrollmentOf } from "./unenroll.ts";
import type { PendingWake } from "./wake-after-commit.ts";

export type EnrollmentActionRequest =
  | { readonly kind: "pause"; readonly until: Date | null }
  | { readonly kind: "resume" }
  | { readonly kind: "complete" }
  | { readonly kind: "unenroll"; readonly to: "cancelled" | "paused" | "unsubscribed" };

export interface ActOnEnrollmentsRequest {
  readonly enrollmentIds: readonly string[];
  readonly action: EnrollmentActionRequest;
  /** Why, in the words of whoever does it; may be empty. */
  readonly note: string;
  /** The principal, for the record. */
  readonly actor: string;
  readonly now: Date;
  readonly pace: Pace;
  /** Answers the same, and writes nothing. */
  readonly isDryRun: boolean;
}

export interface UnmovedEnrollment {
  readonly enrollmentId: string;
  /** null: there is no such enrollment. */
  readonly status: EnrollmentStatus | null;
  readonly reason: "already_done" | "enrollment_not_live" | "not_found";
  readonly message: string;
}

export interface ActedOnEnrollments {
  readonly changed: number;
  readonly unchanged: readonly UnmovedEnrollment[];
  /** For after the commit. */
  readonly wakes: readonly PendingWake[];
}

/**
 * Does to many enrollments what the operations on one do, by the same arrows, one statement over the list each. Call it
 * in a transaction: those that exist are locked, so that what is said is what happened.
 */
export async function actOnEnrollments(tx: Queryable, request: ActOnEnrollmentsRequest): Promise<ActedOnEnrollments> {
  const patient = await patientTransaction(tx);
  const ids = [...new Set(request.enrollmentIds)];
  const standings = await (request.isDryRun ? readEnrollmentStandings : lockEnrollments)(patient, ids);
  const unchanged = ids.flatMap((id) => whyUnmoved(id, standings.get(id), moveOf(request.action)));
  const staying = new Set(unchanged.map(({ enrollmentId }) => enrollmentId));
  const moving = ids.filter((id) => !staying.has(id));
  const wakes = request.isDryRun || moving.length === 0 ? [] : await move(patient, moving, request);
  return { changed: moving.length, unchanged, wakes };
}

function moveOf(action: EnrollmentActionRequest): EnrollmentMove {
  switch (action.kind) {
    case "pause":
      return { to: "paused", until: action.until };
    case "resume":
      return { to: "active" };
    case "complete":
      return { to: "completed" };
    case "unenroll":
      return action.to === "paused" ? { to: "paused", until: undefined } : { to: action.to };
    default:
      return unreachable(action);
  }
}

function whyUnmoved(
  enrollmentId: string,
  standing: EnrollmentStanding | undefined,
  move: EnrollmentMove,
): UnmovedEnrollment[] {
  if (standing === undefined) {
    const message = `There is no enrollment ${enrollmentId}.`;
    return [{ enrollmentId, status: null, reason: "not_found", message }];
  }
  const judgement = judgeEnrollment(standing, move);
  if (judgement.kind === "moves") return [];
  const { reason, message } = judgement;
  return [{ enrollmentId, status: standing.status, reason, message }];
}

/** By the arrow of the action. It moves the same ones as were judged to move, because they are locked. */
async function move(
  tx: Queryable,
  enrollmentIds: readonly string[],
  request: ActOnEnrollmentsRequest,
): Promise<readonly PendingWake[]> {
  const { action, now, actor } = request;
  switch (action.kind) {
    case "pause": {
      const pause = { resumeAt: action.until, note: pauseNote({ ...request, until: action.until }), now, actor };
      await pauseEnrollments(tx, { enrollmentIds, ...pause });
      return [];
    }
    case "resume":
      return (await resumeEnrollments(tx, enrollmentIds, request)).wakes;
    case "complete":
      await endEnrollments(tx, { enrollmentIds, ...completionOf(request) });
      return [];
    case "unenroll":
      await endEnrollments(tx, { enrollmentIds, ...unenrollmentOf({ ...request, to: action.to }) });
      return [];
    default:
      return unreachable(action);
  }
}
