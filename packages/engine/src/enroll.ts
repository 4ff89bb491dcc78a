import type { Queryable } from "@dripline/db/database";
import { type InsertedEnrollment, insertEnrollments, type NewEnrollment } from "@dripline/db/insert-enrollments";
import {
  type EnrollableContact,
  type EnrollablePerson,
  type EnrollableSequence,
  loadEnrollableContacts,
  loadEnrollableSequence,
} from "@dripline/db/load-enrollable";
import { newId } from "@dripline/db/new-id";
import { existingIds } from "@dripline/db/queries/existing-ids";
import type { Pace } from "@dripline/domain/delay";
import { elapsedMilliseconds } from "@dripline/domain/elapsed";
import { planNextStep } from "@dripline/domain/next-step";
import { resolveZone } from "@dripline/domain/time-zone";
import type { PendingWake } from "./wake-after-commit.ts";

export interface EnrolledPerson extends EnrollablePerson {
  readonly notes: string;
}

export interface EnrollRequest extends EnrolledPerson {
  readonly sequenceId: string;
}

export interface EnrolledBy {
  readonly now: Date;
  readonly pace: Pace;
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

export type EnrollAllResult =
  | { readonly kind: "answered"; readonly results: readonly EnrollResult[] }
  | { readonly kind: "unknown"; readonly what: "sequence" };

/** Enrolls one contact; see `enrollContacts`. */
export async function enrollContact(
  db: Queryable,
  { sequenceId, ...person }: EnrollRequest,
  by: EnrolledBy,
): Promise<EnrollResult> {
  const result = await enrollContacts(db, sequenceId, [person], by);
  const [only] = result.kind === "answered" ? result.results : [result];
  if (only === undefined) throw new Error("somebody was to be enrolled, and there is no answer about them");
  return only;
}

/**
 * Enrolls people in one sequence, in a few statements however many they are: enrollments and first executions appear in
 * one statement, inside the caller's transaction if `db` is one. Answers one result per person, in their order; who is in
 * the list twice is enrolled once, and `already_enrolled` after that. Wake the `wakes` after the commit. Anything but
 * `enrolled` wrote nothing.
 */
export async function enrollContacts(
  db: Queryable,
  sequenceId: string,
  people: readonly EnrolledPerson[],
  { now, pace }: EnrolledBy,
): Promise<EnrollAllResult> {
  const sequence = await loadEnrollableSequence(db, sequenceId);
  if (sequence === undefined) return { kind: "unknown", what: "sequence" };
  const known = await readPeople(db, sequenceId, people);
  const planned = people.map((person): EnrollResult | NewEnrollment => {
    const contact = known.contacts.get(keyOf(person));
    if (contact === undefined) return { kind: "unknown", what: "contact" };
    if (person.companyId !== null && !known.companyIds.has(person.companyId)) {
      return { kind: "unknown", what: "company" };
    }
    const obstacle = findObstacle(sequence, contact, now, pace);
    return obstacle ?? planEnrollment({ sequence, contact, person, now, pace });
  });
  const firsts = firstOfEach(planned.filter(isNew));
  const inserted = await insertEnrollments(db, [...firsts.values()]);
  const enrolled = new Map(inserted.map((one) => [one.enrollmentId, one]));

  // The statement checks all conditions again; whom it did not let in, something changed about since they were read.
  const lost = [...firsts.values()].filter(({ enrollmentId }) => !enrolled.has(enrollmentId));
  const reasons = await explainLostRaces(db, sequenceId, lost, { now, pace });
  const results = planned.map((each): EnrollResult => {
    if (!isNew(each)) return each;
    const firstId = firsts.get(each.contactId)?.enrollmentId ?? each.enrollmentId;
    const row = enrolled.get(firstId);
    if (row === undefined) return reasons.get(each.contactId) ?? sequenceChanged;
    if (firstId !== each.enrollmentId) return { kind: "already_enrolled", enrollmentId: firstId, status: "active" };
    return { kind: "enrolled", enrollmentId: firstId, wakes: wakesOf(row) };
  });
  return { kind: "answered", results };
}

async function readPeople(db: Queryable, sequenceId: string, people: readonly EnrolledPerson[]) {
  const contacts = await loadEnrollableContacts(db, sequenceId, people);
  return {
    contacts: new Map(contacts.map((contact) => [keyOf({ contactId: contact.id, ...contact }), contact])),
    companyIds: await existingIds(db, "company", [...new Set(people.flatMap(({ companyId }) => companyId ?? []))]),
  };
}

function keyOf({ contactId, companyId }: EnrollablePerson): string {
  return `${contactId} ${companyId ?? ""}`;
}

function planEnrollment({
  sequence,
  contact,
  person,
  now,
  pace,
}: EnrolledBy & {
  readonly sequence: EnrollableSequence;
  readonly contact: EnrollableContact;
  readonly person: EnrolledPerson;
}): NewEnrollment {
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
  return {
    ...person,
    enrollmentId,
    sequenceId: sequence.id,
    versionId: sequence.versionId,
    enrolledAt: now,
    endedBefore: new Date(now.getTime() - cooldownMilliseconds(sequence, pace)),
    plan,
  };
}

function isNew(each: EnrollResult | NewEnrollment): each is NewEnrollment {
  return "plan" in each;
}

function firstOfEach(enrollments: readonly NewEnrollment[]): Map<string, NewEnrollment> {
  const firsts = new Map<string, NewEnrollment>();
  for (const each of enrollments) if (!firsts.has(each.contactId)) firsts.set(each.contactId, each);
  return firsts;
}

function wakesOf({ first }: InsertedEnrollment): PendingWake[] {
  if (first === null) return [];
  return [{ executionId: first.executionId, generation: first.generation, at: first.scheduledFor }];
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

async function explainLostRaces(
  db: Queryable,
  sequenceId: string,
  lost: readonly EnrolledPerson[],
  { now, pace }: EnrolledBy,
): Promise<Map<string, EnrollResult>> {
  if (lost.length === 0) return new Map();
  const sequence = await loadEnrollableSequence(db, sequenceId);
  const { contacts } = await readPeople(db, sequenceId, lost);
  const reasonFor = (person: EnrolledPerson): EnrollResult => {
    const contact = contacts.get(keyOf(person));
    if (sequence === undefined) return { kind: "unknown", what: "sequence" };
    if (contact === undefined) return { kind: "unknown", what: "contact" };
    return findObstacle(sequence, contact, now, pace) ?? sequenceChanged;
  };
  return new Map(lost.map((person) => [person.contactId, reasonFor(person)]));
}

const sequenceChanged = refused(
  "sequence_changed",
  "The sequence or the contact was changed at the same moment: send the request again.",
);

function refused(code: RefusalCode, message: string): EnrollResult {
  return { kind: "refused", code, message };
}
