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
  const [contact] = await loadEnrollableContacts(db, request.sequenceId, [request.contactId]);
  if (contact === undefined) return { kind: "unknown", what: "contact" };
  if (request.companyId !== null && !(await companyExists(db, request.companyId))) {
    return { kind: "unknown", what: "company" };
  }

  const obstacle = findObstacle(sequence, contact);
  if (obstacle !== undefined) return obstacle;

  const enrollmentId = newId();
  const { zone } = resolveZone(sequence.schedule, contact.timezone);
  const plan = planNextStep({
    steps: sequence.steps,
    afterStepNumber: 0,
    from: now,
    enrollmentId,
    schedule: sequence.schedule,
    zone,
    pace,
  });

  const [inserted] = await insertEnrollments(db, [
    { ...request, enrollmentId, versionId: sequence.versionId, enrolledAt: now, plan },
  ]);
  // The statement checks all conditions again; if it let nothing in, something changed since they were read.
  if (inserted === undefined) return explainLostRace(db, request);

  const { first } = inserted;
  const wakes =
    first === null ? [] : [{ executionId: first.executionId, generation: first.generation, at: first.scheduledFor }];
  return { kind: "enrolled", enrollmentId, wakes };
}

function findObstacle(sequence: EnrollableSequence, contact: EnrollableContact): EnrollResult | undefined {
  if (sequence.status !== "active") {
    return refused("sequence_not_active", `The sequence is ${sequence.status}: activate it before enrolling anybody.`);
  }
  if (!sequence.steps.some((step) => step.isActive)) {
    return refused("sequence_without_steps", "The sequence has no active step: add one before enrolling anybody.");
  }
  if (contact.existingEnrollment !== null) {
    const { id, status } = contact.existingEnrollment;
    return { kind: "already_enrolled", enrollmentId: id, status };
  }
  if (contact.optedOutAt !== null) {
    return refused("contact_opted_out", "The contact has opted out of email and cannot be enrolled.");
  }
  if (contact.isSuppressed) {
    return refused("contact_suppressed", "The contact's address is on the suppression list and cannot be enrolled.");
  }
  return undefined;
}

async function explainLostRace(db: Queryable, request: EnrollRequest): Promise<EnrollResult> {
  const sequence = await loadEnrollableSequence(db, request.sequenceId);
  const [contact] = await loadEnrollableContacts(db, request.sequenceId, [request.contactId]);
  if (sequence === undefined) return { kind: "unknown", what: "sequence" };
  if (contact === undefined) return { kind: "unknown", what: "contact" };
  return (
    findObstacle(sequence, contact) ??
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
