import type { Queryable } from "@dripline/db/database";
import { insertEnrollments } from "@dripline/db/insert-enrollments";
import {
  type EnrollableContact,
  type EnrollableSequence,
  loadEnrollableContacts,
  loadEnrollableSequence,
} from "@dripline/db/load-enrollable";
import { newId } from "@dripline/db/new-id";
import type { Pace } from "@dripline/domain/delay";
import { elapsedMilliseconds } from "@dripline/domain/elapsed";
import { planNextStep } from "@dripline/domain/next-step";
import { resolveZone } from "@dripline/domain/time-zone";
import type { PendingWake } from "./wake-after-commit.ts";

export interface EnrollRequest {
  readonly sequenceId: string;
  readonly contactId: string;
  readonly companyId: string | null;
  readonly notes: string;
}

export type RefusalCode =
  | "sequence_not_active"
  | "sequence_without_steps"
  | "contact_opted_out"
  | "contact_suppressed"
  | "sequence_changed";

export type EnrollResult =
  | { readonly kind: "enrolled"; readonly enrollmentId: string; readonly wakes: readonly PendingWake[] }
  | { readonly kind: "already_enrolled"; readonly enrollmentId: string; readonly status: string }
  /** The last enrollment has ended, and the sequence's cool-down is not over yet. */
  | { readonly kind: "too_soon"; readonly enrollmentId: string; readonly availableAt: Date }
  | { readonly kind: "refused"; readonly code: RefusalCode; readonly message: string }
  | { readonly kind: "unknown"; readonly what: "sequence" | "contact" | "company" };

/**
 * Enrolls a contact: enrollment and first execution appear in one statement, inside the caller's transaction if `db` is
 * one. Wake the returned `wakes` after the commit. Anything but `enrolled` wrote nothing.
 */
export async function enrollContact(
  db: Queryable,
  request: EnrollRequest,
  { now, pace }: { readonly now: Date; readonly pace: Pace },
): Promise<EnrollResult> {
  const sequence = await loadEnrollableSequence(db, request.sequenceId);
  if (sequence === undefined) return { kind: "unknown", what: "sequence" };
  const [contact] = await loadEnrollableContacts(db, request.sequenceId, [request.contactId], request.companyId);
  if (contact === undefined) return { kind: "unknown", what: "contact" };
  if (request.companyId !== null && !(await companyExists(db, request.companyId))) {
    return { kind: "unknown", what: "company" };
  }

  const obstacle = findObstacle(sequence, contact, now, pace);
  if (obstacle !== undefined) return obstacle;

  const enrollmentId = newId();
  const plan = planNextStep({
    steps: sequence.steps,
    afterStepNumber: 0,
    from: now,
    enrollmentId,
    schedule: sequence.schedule,
    zone: resolveZone(sequence.schedule, contact.zones),
    pace,
  });

  const [inserted] = await insertEnrollments(db, [
    {
      ...request,
      enrollmentId,
      versionId: sequence.versionId,
      enrolledAt: now,
      endedBefore: new Date(now.getTime() - cooldownMilliseconds(sequence, pace)),
      plan,
    },
  ]);
  // The statement checks all conditions again; if it let nothing in, something changed since they were read.
  if (inserted === undefined) return explainLostRace(db, request, { now, pace });

  const { first } = inserted;
  const wakes =
    first === null ? [] : [{ executionId: first.executionId, generation: first.generation, at: first.scheduledFor }];
  return { kind: "enrolled", enrollmentId, wakes };
}

/** Why this contact could not be enrolled in this sequence now; undefined if nothing stands in the way. */
export function findObstacle(
  sequence: EnrollableSequence,
  contact: EnrollableContact,
  now: Date,
  pace: Pace,
): EnrollResult | undefined {
  if (sequence.status !== "active") {
    return refused("sequence_not_active", `The sequence is ${sequence.status}: resume it before enrolling anybody.`);
  }
  if (!sequence.steps.some((step) => step.isActive)) {
    return refused("sequence_without_steps", "The sequence has no active step: add one before enrolling anybody.");
  }
  if (contact.lastEnrollment !== null) {
    const { id, status, endedAt } = contact.lastEnrollment;
    if (sequence.reEnrollment === "never" || endedAt === null) {
      return { kind: "already_enrolled", enrollmentId: id, status };
    }
    const availableAt = new Date(endedAt.getTime() + cooldownMilliseconds(sequence, pace));
    if (now < availableAt) return { kind: "too_soon", enrollmentId: id, availableAt };
  }
  if (contact.optedOutAt !== null) {
    return refused("contact_opted_out", "The contact has opted out of email and cannot be enrolled.");
  }
  if (contact.isSuppressed) {
    return refused("contact_suppressed", "The contact's address is on the suppression list and cannot be enrolled.");
  }
  return undefined;
}

function cooldownMilliseconds({ reEnrollmentCooldown }: EnrollableSequence, pace: Pace): number {
  return reEnrollmentCooldown === null ? 0 : elapsedMilliseconds(reEnrollmentCooldown, pace);
}

async function explainLostRace(
  db: Queryable,
  request: EnrollRequest,
  { now, pace }: { readonly now: Date; readonly pace: Pace },
): Promise<EnrollResult> {
  const sequence = await loadEnrollableSequence(db, request.sequenceId);
  const [contact] = await loadEnrollableContacts(db, request.sequenceId, [request.contactId], request.companyId);
  if (sequence === undefined) return { kind: "unknown", what: "sequence" };
  if (contact === undefined) return { kind: "unknown", what: "contact" };
  return (
    findObstacle(sequence, contact, now, pace) ??
    refused("sequence_changed", "The sequence was changed at the same moment: send the request again.")
  );
}

function refused(code: RefusalCode, message: string): EnrollResult {
  return { kind: "refused", code, message };
}

async function companyExists(db: Queryable, companyId: string): Promise<boolean> {
  const { rowCount } = await db.query("select from company where id = $1", [companyId]);
  return rowCount === 1;
}
