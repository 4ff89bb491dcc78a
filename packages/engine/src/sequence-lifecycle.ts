import type { MovedBy } from "@dripline/db/arrow";
import { liftStatementTimeout } from "@dripline/db/bulk-statement";
import { changeSequenceStatus } from "@dripline/db/change-sequence-status";
import type { Queryable } from "@dripline/db/database";
import { endEnrollments } from "@dripline/db/end-enrollments";
import { forgetBookings } from "@dripline/db/forget-bookings";
import { holdOfSequences } from "@dripline/db/hold-under-pause";
import { findLiveEnrollmentIds, sequenceStatus } from "@dripline/db/queries/sequence-status";
import { sequenceScope } from "@dripline/db/send-scopes";
import type { SequenceStatus } from "@dripline/domain/statuses";
import { releaseAfterPause } from "./release-after-pause.ts";
import type { PendingWake } from "./wake-after-commit.ts";

export type SequenceResult =
  | { readonly kind: "done"; readonly wakes: readonly PendingWake[] }
  | { readonly kind: "unknown" }
  | { readonly kind: "refused"; readonly status: SequenceStatus };

const done: SequenceResult = { kind: "done", wakes: [] };

/** Stops the clock of everybody in it, and entry. Doing it again changes nothing. Call it in a transaction. */
export async function pauseSequence(db: Queryable, sequenceId: string, by: MovedBy): Promise<SequenceResult> {
  await liftStatementTimeout(db);
  if (await changeSequenceStatus(db, sequenceId, "paused")) {
    await holdOfSequences(db, [sequenceId], by);
    return done;
  }
  return unchanged(db, sequenceId, "paused");
}

/**
 * Opens entry and lets everybody's clock go on where it stopped; of an archived one it opens entry alone, because its
 * people's enrollments have ended. Doing it again changes nothing. Call it in a transaction. Of very many waiting people
 * a sweep takes those that are left.
 */
export async function resumeSequence(db: Queryable, sequenceId: string, by: MovedBy): Promise<SequenceResult> {
  await liftStatementTimeout(db);
  if (await changeSequenceStatus(db, sequenceId, "active")) {
    const { wakes } = await releaseAfterPause(db, { sequenceId }, by);
    await forgetBookings(db, sequenceScope(sequenceId)); // everybody has another time now
    return { kind: "done", wakes };
  }
  return unchanged(db, sequenceId, "active");
}

/**
 * Ends entry and sending: every live enrollment is cancelled, what waits is skipped, what is at the SMTP server this
 * moment finishes. Doing it again changes nothing. Call it in a transaction.
 */
export async function archiveSequence(db: Queryable, sequenceId: string, by: MovedBy): Promise<SequenceResult> {
  await liftStatementTimeout(db);
  if (await changeSequenceStatus(db, sequenceId, "archived")) {
    await endEnrollments(db, {
      enrollmentIds: await findLiveEnrollmentIds(db, sequenceId),
      to: "cancelled",
      endReason: "sequence_archived",
      note: `The sequence was archived by ${by.actor}.`,
      ...by,
    });
    return done;
  }
  return unchanged(db, sequenceId, "archived");
}

async function unchanged(db: Queryable, sequenceId: string, wanted: SequenceStatus): Promise<SequenceResult> {
  const status = await sequenceStatus(db, sequenceId);
  if (status === undefined) return { kind: "unknown" };
  return status === wanted ? done : { kind: "refused", status };
}
