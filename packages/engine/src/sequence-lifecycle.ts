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

export interface SequencesMoved {
  /** Those that were not in that status yet, and can get there. */
  readonly sequenceIds: readonly string[];
  /** For after the commit. */
  readonly wakes: readonly PendingWake[];
}

/** Makes sequences active, paused or archived, as the arrow of that status says. Call it in a transaction. */
export function moveSequences(
  db: Queryable,
  sequenceIds: readonly string[],
  to: SequenceStatus,
  by: MovedBy,
): Promise<SequencesMoved> {
  return arrows[to](db, sequenceIds, by);
}

const arrows = { paused: pauseSequences, active: resumeSequences, archived: archiveSequences } as const;

/** Stops the clock of everybody in them, and entry. */
async function pauseSequences(db: Queryable, ids: readonly string[], by: MovedBy): Promise<SequencesMoved> {
  await liftStatementTimeout(db);
  const paused = await changeSequenceStatus(db, ids, "paused");
  if (paused.length > 0) await holdOfSequences(db, paused, by);
  return { sequenceIds: paused, wakes: [] };
}

/**
 * Opens entry and lets everybody's clock go on where it stopped; of an archived one it opens entry alone, because its
 * people's enrollments have ended. Of very many waiting people a sweep takes those that are left.
 */
async function resumeSequences(db: Queryable, ids: readonly string[], by: MovedBy): Promise<SequencesMoved> {
  await liftStatementTimeout(db);
  const resumed = await changeSequenceStatus(db, ids, "active");
  if (resumed.length === 0) return { sequenceIds: [], wakes: [] };
  const { wakes } = await releaseAfterPause(db, { sequenceIds: resumed }, by);
  await forgetBookings(db, resumed.map(sequenceScope)); // everybody has another time now
  return { sequenceIds: resumed, wakes };
}

/**
 * Ends entry and sending: every live enrollment is cancelled, what waits is skipped, what is at the SMTP server this
 * moment finishes.
 */
async function archiveSequences(db: Queryable, ids: readonly string[], by: MovedBy): Promise<SequencesMoved> {
  await liftStatementTimeout(db);
  const archived = await changeSequenceStatus(db, ids, "archived");
  if (archived.length > 0) {
    await endEnrollments(db, {
      enrollmentIds: await findLiveEnrollmentIds(db, archived),
      to: "cancelled",
      endReason: "sequence_archived",
      note: `The sequence was archived by ${by.actor}.`,
      ...by,
    });
  }
  return { sequenceIds: archived, wakes: [] };
}

export type SequenceResult =
  | { readonly kind: "done"; readonly wakes: readonly PendingWake[] }
  | { readonly kind: "unknown" }
  | { readonly kind: "refused"; readonly status: SequenceStatus };

/** The same for one sequence that somebody names. Doing it again changes nothing. Call it in a transaction. */
export async function moveSequence(
  db: Queryable,
  sequenceId: string,
  to: SequenceStatus,
  by: MovedBy,
): Promise<SequenceResult> {
  const { sequenceIds, wakes } = await moveSequences(db, [sequenceId], to, by);
  if (sequenceIds.length === 1) return { kind: "done", wakes };
  const status = await sequenceStatus(db, sequenceId);
  if (status === undefined) return { kind: "unknown" };
  return status === to ? { kind: "done", wakes: [] } : { kind: "refused", status };
}

/** `moveSequence` by the names of its three arrows. */
export const pauseSequence = (db: Queryable, sequenceId: string, by: MovedBy) =>
  moveSequence(db, sequenceId, "paused", by);
export const resumeSequence = (db: Queryable, sequenceId: string, by: MovedBy) =>
  moveSequence(db, sequenceId, "active", by);
export const archiveSequence = (db: Queryable, sequenceId: string, by: MovedBy) =>
  moveSequence(db, sequenceId, "archived", by);
