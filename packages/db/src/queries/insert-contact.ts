import { orm, type Queryable } from "../database.ts";
import { newId } from "../new-id.ts";
import { contact } from "../schema/people.ts";
import { findContactIdByEmail } from "./read-contacts.ts";

export type NewContact = Omit<typeof contact.$inferInsert, "id" | "optedOutAt" | "createdAt" | "updatedAt">;

/**
 * Writes a contact, unless one with this address exists; then nothing of it is changed. Answers the id of the one that
 * is there now.
 */
export async function insertContact(db: Queryable, values: NewContact): Promise<{ id: string; isNew: boolean }> {
  const id = newId();
  const inserted = await orm(db)
    .insert(contact)
    .values({ id, ...values })
    .onConflictDoNothing()
    .returning({ id: contact.id });
  if (inserted.length === 1) return { id, isNew: true };
  const existing = await findContactIdByEmail(db, values.email);
  if (existing === undefined) throw new Error("a contact stood in the way of an insert and is gone: try again");
  return { id: existing, isNew: false };
}
