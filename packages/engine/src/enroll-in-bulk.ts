import type { Queryable } from "@dripline/db/database";
import type { NewContact } from "@dripline/db/queries/insert-contact";
import { deleteNewContacts, insertContacts } from "@dripline/db/queries/insert-contacts";
import { type EnrolledBy, type EnrollResult, enrollContacts } from "./enroll.ts";

export interface BulkItem {
  /** An id, or a contact that is made if the address is new. */
  readonly contact: string | NewContact;
  readonly companyId: string | null;
  readonly notes: string;
}

export type BulkResult =
  | { readonly kind: "unknown"; readonly what: "sequence" }
  | {
      readonly kind: "answered";
      /** One per item, in their order. `contactId` null: the contact came along and was not kept. */
      readonly results: readonly BulkItemResult[];
    };

export interface BulkItemResult {
  readonly contactId: string | null;
  readonly isNewContact: boolean;
  readonly result: EnrollResult;
}

/**
 * Enrolls people of whom some are new, in the caller's transaction: a handful of statements, however many they are. A new
 * contact that could not be enrolled is not kept.
 */
export async function enrollInBulk(
  tx: Queryable,
  sequenceId: string,
  items: readonly BulkItem[],
  by: EnrolledBy,
): Promise<BulkResult> {
  const newcomers = items.map(({ contact }) => contact).filter((contact) => typeof contact !== "string");
  const made = await insertContacts(tx, newcomers);
  const contactIdOf = new Map(newcomers.map((contact, index) => [contact, made[index]?.id ?? ""]));
  const people = items.map(({ contact, ...rest }) => ({
    ...rest,
    contactId: typeof contact === "string" ? contact : (contactIdOf.get(contact) ?? ""),
  }));

  const answer = await enrollContacts(tx, sequenceId, people, by);
  if (answer.kind !== "answered") return answer;

  const results = people.map(({ contactId }, index) => ({ contactId, result: resultAt(answer.results, index) }));
  const isEnrolled = new Set(results.filter(({ result }) => result.kind === "enrolled").map((each) => each.contactId));
  const fresh = new Set(made.filter(({ isNew }) => isNew).map(({ id }) => id));
  const isUnused = (id: string) => fresh.has(id) && !isEnrolled.has(id);
  await deleteNewContacts(tx, [...fresh].filter(isUnused));
  return {
    kind: "answered",
    results: results.map(({ contactId, result }) => ({
      contactId: isUnused(contactId) ? null : contactId,
      isNewContact: fresh.has(contactId),
      result,
    })),
  };
}

function resultAt(results: readonly EnrollResult[], index: number): EnrollResult {
  const result = results[index];
  if (result === undefined) throw new Error("an item of a bulk enrollment has no result");
  return result;
}
