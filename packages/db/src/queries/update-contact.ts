import { eq, sql } from "drizzle-orm";
import { orm, type Queryable } from "../database.ts";
import { contact } from "../schema/people.ts";
import type { NewContact } from "./insert-contact.ts";
import { findContactIdByEmail } from "./read-contacts.ts";
import { tryWrite } from "./try-write.ts";

/** What may be edited of a contact; whether they want email is said by `optOutContact` and `optBackIn`. */
export type ContactChanges = Partial<
  Pick<NewContact, "email" | "firstName" | "lastName" | "companyId" | "timezone" | "country" | "attributes">
>;

export type UpdatedContact =
  | { readonly kind: "updated" }
  | { readonly kind: "email_taken"; readonly existingId: string };

/** Changes a contact; what `changes` leaves out stays. Call it in a transaction, which goes on also if the address is taken. */
export async function updateContact(
  tx: Queryable,
  id: string,
  changes: ContactChanges,
  now: Date,
): Promise<UpdatedContact> {
  const refusal = await tryWrite(tx, () =>
    orm(tx)
      .update(contact)
      .set({ ...changes, revision: sql`${contact.revision} + 1`, updatedAt: now })
      .where(eq(contact.id, id)),
  );
  if (refusal === undefined) return { kind: "updated" };
  // The company may have gone since it was looked for; only the address can be told here.
  if (refusal.constraint !== "contact_email_key") throw new Error(`a contact cannot be written: ${refusal.constraint}`);
  return { kind: "email_taken", existingId: (await findContactIdByEmail(tx, changes.email ?? "")) ?? "" };
}
